"""What the operator does at the command line to tenants, keys and people, while the server runs."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from cli.neo_command import Ended, neo
from support.client import Client
from support.people import People
from support.rows import Rows, Tenant
from support.server import Server


@pytest.fixture
async def tenant(rows: Rows) -> Tenant:
    return await rows.tenant("A tenant at the command line")


@pytest.fixture
async def own(server: Server, tenant: Tenant) -> AsyncIterator[Client]:
    client = Client(server.url, tenant.api_key)
    yield client
    await client.http.aclose()


async def ran(server: Server, *words: str) -> Ended:
    return await neo(*words, "--data", str(server.data))


async def told(server: Server, *words: str) -> list[dict[str, Any]]:
    ended = await ran(server, *words, "--json")
    assert ended.code == 0, ended.stderr
    return [json.loads(line) for line in ended.out.splitlines()]


async def tenant_status(server: Server, key: str) -> tuple[int, str]:
    client = Client(server.url, key)
    answer = await client.http.get("/public-api/tenant")
    await client.http.aclose()
    return answer.status_code, answer.json().get("error", {}).get("code", "")


async def test_a_tenant_is_created_with_its_microsoft_tenant_and_a_key(server: Server) -> None:
    entra = str(uuid4())

    [created] = await told(server, "tenants", "create", "Example MSP", "--entra-tenant", entra)
    [key] = await told(server, "keys", "create", "--tenant", created["tenant_id"])
    again = await ran(server, "tenants", "create", "Another", "--entra-tenant", entra)

    assert (await tenant_status(server, key["api_key"]))[0] == 200
    assert again.code == 1
    assert again.stderr.startswith("neo: Another tenant has this Microsoft tenant already")
    listed = await told(server, "tenants", "list")
    assert [
        (row["name"], row["entra_tenant_id"]) for row in listed if row["tenant_id"] == created["tenant_id"]
    ] == [("Example MSP", entra)]


async def test_a_platforms_key_acts_for_the_platform(server: Server) -> None:
    [created] = await told(server, "tenants", "create", "The relay", "--platform")
    [key] = await told(server, "keys", "create", "--tenant", created["tenant_id"])

    relay = Client(server.url, key["api_key"])
    answer = await relay.http.post("/public-api/tenants", json={"name": "Onboarded"})
    await relay.http.aclose()

    assert answer.status_code == 200, answer.text
    assert "platform" in next(
        line
        for line in (await ran(server, "tenants", "list")).out.splitlines()
        if created["tenant_id"] in line
    )


async def test_a_suspended_tenant_is_turned_away_until_it_is_resumed(
    server: Server, tenant: Tenant, own: Client
) -> None:
    assert (await ran(server, "tenants", "suspend", str(tenant.id))).code == 0
    suspended = await tenant_status(server, tenant.api_key)
    shown = await told(server, "tenants", "list")
    assert (await ran(server, "tenants", "resume", str(tenant.id))).code == 0

    assert suspended == (403, "tenant_suspended")
    assert next(row for row in shown if row["tenant_id"] == str(tenant.id))["suspended_at"]
    assert (await tenant_status(server, tenant.api_key))[0] == 200
    log = (await own.http.get("/public-api/audit-log")).json()["data"]
    assert [(entry["action"], entry["actor_kind"]) for entry in log[:2]] == [
        ("tenant.resumed", "operator"),
        ("tenant.suspended", "operator"),
    ]


async def test_a_tenant_that_does_not_exist_is_said_so(server: Server) -> None:
    nowhere = str(uuid4())

    for words in (
        ("tenants", "suspend", nowhere),
        ("tenants", "set-entra", nowhere, nowhere),
        ("tenants", "set-timezone", nowhere, "Europe/Berlin"),
        ("keys", "create", "--tenant", nowhere),
        ("technicians", "add", "--tenant", nowhere, "--user-id", nowhere),
    ):
        ended = await ran(server, *words)
        assert (ended.code, ended.stderr) == (
            1,
            f"neo: There is no tenant {nowhere}: `neo tenants list` shows them.\n",
        )


async def test_a_tenants_time_zone_is_one_that_there_is(server: Server, tenant: Tenant) -> None:
    words = ("tenants", "set-timezone", str(tenant.id))
    refused, done = await ran(server, *words, "Europe/Atlantis"), await ran(server, *words, "Europe/Berlin")

    assert (refused.code, done.code, done.out) == (1, 0, f"Tenant {tenant.id} is in Europe/Berlin.\n")
    assert "Europe/Berlin" in refused.stderr
    listed = {row["tenant_id"]: row["timezone"] for row in await told(server, "tenants", "list")}
    assert listed[str(tenant.id)] == "Europe/Berlin"


async def test_the_first_admin_comes_from_the_command_line(
    server: Server, tenant: Tenant, people: People, own: Client
) -> None:
    entra, oid = uuid4(), uuid4()
    await ran(server, "tenants", "set-entra", str(tenant.id), str(entra))
    person = people.client(await people.token(tenant.id, oid, roles=["User"]))
    before = await person.http.get("/public-api/api-keys")

    # Who has signed in already is in the roster, as a User.
    words = ("--tenant", str(tenant.id), "--user-id", str(oid), "--role", "Admin", "--name", "Ada")
    added = await ran(server, "technicians", "add", *words)
    after = await person.http.get("/public-api/api-keys")

    assert (added.code, added.out) == (0, f"{oid} is Admin of tenant {tenant.id}.\n")
    assert [before.status_code, after.status_code] == [403, 200]
    [row] = await told(server, "technicians", "list", "--tenant", str(tenant.id))
    assert (row["user_id"], row["role"], row["name"]) == (str(oid), "Admin", "Ada")
    lowered = await ran(server, "technicians", "add", "--tenant", str(tenant.id), "--user-id", str(oid))
    assert (lowered.code, "last active Admin" in lowered.stderr) == (1, True)


async def test_keys_are_made_to_expire_rotated_listed_and_revoked(server: Server, tenant: Tenant) -> None:
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
    of = ("--tenant", str(tenant.id))

    [made] = await told(server, "keys", "create", *of, "--expires", ends.strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert (await tenant_status(server, made["api_key"]))[0] == 200
    [new] = await told(server, "keys", "rotate", made["id"], *of)
    again = await ran(server, "keys", "rotate", made["id"], *of)
    assert (await ran(server, "keys", "revoke", made["id"], *of)).code == 0
    listed = {row["id"]: row for row in await told(server, "keys", "list", *of)}

    assert datetime.fromisoformat(made["expires_at"]) == ends
    assert again.code == 1
    assert [(await tenant_status(server, one["api_key"]))[0] for one in (made, new)] == [401, 200]
    assert all(listed[made["id"]][name] for name in ("last_used_at", "rotated_at", "revoked_at"))
    assert not listed[new["id"]]["revoked_at"]
    text = (await ran(server, "keys", "list", *of)).out
    assert made["api_key"] not in text
    assert "last_used_at=" in text


@pytest.mark.parametrize("expires", ["2020-01-01", "2199-01-01"])
async def test_a_key_does_not_expire_in_the_past_or_in_a_century(
    server: Server, tenant: Tenant, expires: str
) -> None:
    ended = await ran(server, "keys", "create", "--tenant", str(tenant.id), "--expires", expires)

    assert ended.code == 1
    assert "within ten years" in ended.stderr


async def test_another_tenants_key_is_not_there(server: Server, tenant: Tenant, rows: Rows) -> None:
    [made] = await told(server, "keys", "create", "--tenant", str(tenant.id))
    other = str((await rows.tenant()).id)

    for verb in ("rotate", "revoke"):
        ended = await ran(server, "keys", verb, str(UUID(made["id"])), "--tenant", other)
        assert (ended.code, "no such API key" in ended.stderr) == (1, True)
    assert (await tenant_status(server, made["api_key"]))[0] == 200


async def test_secrets_that_stand_in_files_are_used_by_each_command(server: Server, tmp_path: Path) -> None:
    secrets = {
        "NEO_DATABASE_URL": server.addresses.database_url,
        "NEO_DATABASE_OWNER_URL": server.addresses.database_owner_url,
        "NEO_REDIS_URL": server.addresses.redis_url,
        "NEO_SECRET_KEY": (server.data / "secret").read_text().strip(),
    }
    for variable, secret in secrets.items():
        (tmp_path / variable).write_text(f"{secret}\n")
    files = {f"{variable}_FILE": str(tmp_path / variable) for variable in secrets}
    environment = {
        "NEO_TEMPORAL_ADDRESS": server.addresses.temporal_address,
        "NEO_MODEL_FAST": "scripted:",
        **files,
    }
    environment["NEO_SCRIPTED_MODEL_URL"] = server.addresses.scripted_model_url

    listed = await neo("tenants", "list", "--json", **environment)
    examined = await neo("doctor", "--json", "--data", str(tmp_path / "none"), **environment)

    assert server.tenant_id in listed.out, listed.stderr
    checks = {check["name"]: check["state"] for check in json.loads(examined.out)["checks"]}
    assert checks["valkey"] == checks["temporal"] == checks["settings"] == "ok", examined.out
