"""API keys through the API: made, listed, rotated and revoked by Admins, and by nobody else."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy import text

from neo.access import KeyDesk, Operator, Pepper
from neo.api import page_token
from support.client import SESSIONS, Client
from support.people import People
from support.rows import Rows, Tenant
from support.server import Server

KEYS = "/public-api/api-keys"


def code(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
async def tenant(rows: Rows) -> Tenant:
    return await rows.tenant("A tenant with keys")


@pytest.fixture
async def admin(tenant: Tenant, people: People) -> Client:
    return (await people.join(tenant.id, "Admin"))[1]


@pytest.fixture
async def nobody(server: Server) -> AsyncIterator[Client]:
    client = Client(server.url, "")
    yield client
    await client.http.aclose()


async def made(admin: Client, **fields: Any) -> dict[str, Any]:
    answer = await admin.http.post(KEYS, json={"name": "For the relay", **fields})
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["data"])


async def status(nobody: Client, key: str) -> int:
    answer = await nobody.http.get("/public-api/tenant", headers={"authorization": f"Bearer {key}"})
    return answer.status_code


async def shown(admin: Client, key_id: str) -> dict[str, Any]:
    listed = (await admin.http.get(KEYS)).json()["data"]
    return next(dict(key) for key in listed if key["id"] == key_id)


async def test_a_new_key_works_and_is_shown_once(admin: Client, nobody: Client) -> None:
    created = await made(admin)

    assert set(created) == {"id", "name", "key", "created_at", "expires_at"}
    assert await status(nobody, created["key"]) == 200
    listed = await admin.http.get(KEYS)
    assert created["key"] not in listed.text
    assert (await shown(admin, created["id"]))["hint"] == created["key"][-4:]


async def test_who_made_a_key_is_on_record(tenant: Tenant, people: People) -> None:
    oid, admin = await people.join(tenant.id, "Admin")
    created = await made(admin)

    assert (await shown(admin, created["id"]))["created_by"] == str(oid)
    entries = (await admin.http.get("/public-api/audit-log", params={"object_id": created["id"]})).json()[
        "data"
    ]
    assert [(entry["action"], entry["actor_id"]) for entry in entries] == [("api_key.created", str(oid))]
    assert created["key"] not in str(entries)


@pytest.mark.parametrize("role", ["User", "Viewer", None])
async def test_only_admins_manage_keys(
    tenant: Tenant, people: People, rows: Rows, server: Server, role: str | None
) -> None:
    caller = (await people.join(tenant.id, role))[1] if role else Client(server.url, tenant.api_key)

    for method, path in [
        ("POST", ""),
        ("GET", ""),
        ("POST", f"/{uuid4()}/rotate"),
        ("DELETE", f"/{uuid4()}"),
    ]:
        answer = await caller.http.request(method, KEYS + path, content=b"{")
        assert code(answer) == (403, "caller_not_allowed")
    await caller.http.aclose()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, "validation_error"),
        ({"name": ""}, "validation_error"),
        ({"name": "x" * 201}, "validation_error"),
        ({"name": "x", "expires_at": "tomorrow"}, "validation_error"),
        ({"name": "x", "expires_at": 1893456000}, "validation_error"),
        ({"name": "x", "expires_at": "2030-01-01T00:00:00"}, "validation_error"),
        ({"name": "x", "expires_at": "9999-12-31T23:59:59-14:00"}, "validation_error"),
        ({"name": "x", "expires_at": "2020-01-01T00:00:00Z"}, "api_key_expiry_invalid"),
        ({"name": "x", "expires_at": "2199-01-01T00:00:00Z"}, "api_key_expiry_invalid"),
    ],
)
async def test_a_key_that_cannot_be(admin: Client, body: dict[str, Any], expected: str) -> None:
    assert code(await admin.http.post(KEYS, json=body)) == (422, expected)


async def test_a_revoked_key_ends_at_once_and_twice_is_as_once(admin: Client, nobody: Client) -> None:
    created = await made(admin)

    first = await admin.http.delete(f"{KEYS}/{created['id']}")
    second = await admin.http.delete(f"{KEYS}/{created['id']}")

    assert await status(nobody, created["key"]) == 401
    assert first.json()["data"] == second.json()["data"]
    assert first.json()["data"]["revoked_at"]
    asked = {"action": "api_key.revoked", "object_id": created["id"]}
    assert len((await admin.http.get("/public-api/audit-log", params=asked)).json()["data"]) == 1


async def test_a_rotated_key_goes_on_for_a_day_beside_its_replacement(admin: Client, nobody: Client) -> None:
    old = await made(admin)
    new = (await admin.http.post(f"{KEYS}/{old['id']}/rotate")).json()["data"]

    assert [await status(nobody, one["key"]) for one in (old, new)] == [200, 200]
    assert (new["name"], new["expires_at"]) == (old["name"], None)
    ends = datetime.fromisoformat((await shown(admin, old["id"]))["expires_at"])
    assert abs(ends - datetime.now(UTC) - timedelta(hours=24)) < timedelta(minutes=1)
    assert (await shown(admin, old["id"]))["rotated_at"]


async def test_after_the_overlap_only_the_replacement_works(
    admin: Client, nobody: Client, tenant: Tenant, rows: Rows
) -> None:
    old = await made(admin)
    new = (await admin.http.post(f"{KEYS}/{old['id']}/rotate")).json()["data"]

    await _expire(rows, tenant, old["id"])

    assert [await status(nobody, one["key"]) for one in (old, new)] == [401, 200]


async def test_a_replacement_is_the_same_account(admin: Client, server: Server) -> None:
    old = await made(admin)
    before = Client(server.url, old["key"])
    session = await before.open()

    new = (await admin.http.post(f"{KEYS}/{old['id']}/rotate")).json()["data"]
    after = Client(server.url, new["key"])
    other = await after.open()

    opened = [(await after.http.get(f"{SESSIONS}/{one}")).status_code for one in (session, other)]
    assert opened == [200, 200]
    made_by = [
        (
            await one.http.post("/public-api/agents", json={"autonomy_type": "CONVERSATIONAL", "name": "A"})
        ).json()
        for one in (before, after)
    ]
    assert len({answer["data"]["created_by_user"] for answer in made_by}) == 1
    await before.http.aclose()
    await after.http.aclose()


async def test_a_replacement_lives_as_long_as_the_old_key_was_made_to(admin: Client) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    old = await made(admin, expires_at=soon)

    new = (await admin.http.post(f"{KEYS}/{old['id']}/rotate")).json()["data"]

    # Two hours are less than the overlap, so the old key keeps its own end.
    assert (await shown(admin, old["id"]))["expires_at"] == old["expires_at"]
    lifetimes = [
        datetime.fromisoformat(key["expires_at"]) - datetime.fromisoformat(key["created_at"])
        for key in (old, new)
    ]
    assert abs(lifetimes[0] - lifetimes[1]) < timedelta(seconds=5)


async def test_a_key_is_rotated_once_and_only_while_it_lives(
    admin: Client, tenant: Tenant, rows: Rows
) -> None:
    rotated, revoked, expired = [await made(admin) for _ in range(3)]
    await admin.http.post(f"{KEYS}/{rotated['id']}/rotate")
    await admin.http.delete(f"{KEYS}/{revoked['id']}")
    await _expire(rows, tenant, expired["id"])

    for key in (rotated, revoked, expired):
        assert code(await admin.http.post(f"{KEYS}/{key['id']}/rotate")) == (409, "api_key_not_rotatable")


async def test_a_tenant_has_so_many_live_keys_and_no_more(admin: Client, tenant: Tenant, rows: Rows) -> None:
    last = await made(admin)
    async with rows.database.transaction(tenant.id) as db:
        await db.execute(
            text(
                "INSERT INTO api_keys (id, tenant_id, account_id, name, digest, hint) SELECT gen_random_uuid(), "
                ":tenant, gen_random_uuid(), 'x', sha256(uuid_send(gen_random_uuid())), 'xxxx' "
                "FROM generate_series(1, 1098) n"
            ),
            {"tenant": tenant.id},
        )

    assert code(await admin.http.post(KEYS, json={"name": "x"})) == (409, "quota_exceeded")
    assert code(await admin.http.post(f"{KEYS}/{last['id']}/rotate")) == (409, "quota_exceeded")

    # What was refused left nothing: the key is live, unrotated, and makes room when it goes.
    revoked = (await admin.http.delete(f"{KEYS}/{last['id']}")).json()["data"]
    assert (revoked["rotated_at"], revoked["expires_at"]) == (None, None)
    assert (await made(admin))["key"]


async def test_keys_are_paged_to_their_end(admin: Client, people: People, rows: Rows) -> None:
    names = [(await made(admin, name=f"Key {n}"))["name"] for n in range(5)]

    found, cursor, more = [], None, True
    while more:
        page = (
            await admin.http.get(KEYS, params={"page_size": 2, **({"cursor": cursor} if cursor else {})})
        ).json()
        found += [key["name"] for key in page["data"]]
        more, cursor = (
            page["meta"]["pagination"]["has_more"],
            page["meta"]["pagination"]["next_cursor"] or cursor,
        )

    assert found == [*names[::-1], "test"]
    _, stranger = await people.join((await rows.tenant()).id, "Admin")
    assert code(await stranger.http.get(KEYS, params={"cursor": cursor})) == (400, "invalid_cursor")


@pytest.mark.parametrize(
    "position",
    [
        ["2026-01-01T00:00:00", "x"],
        ["2026-01-01", str(uuid4())],
        [1, 2],
        ["0001-01-01T00:00:00+14:00", str(uuid4())],
    ],
)
async def test_a_cursor_that_was_made_up(admin: Client, tenant: Tenant, position: list[object]) -> None:
    cursor = page_token(f"api-keys:{tenant.id}", *position)

    assert code(await admin.http.get(KEYS, params={"cursor": cursor})) == (400, "invalid_cursor")


async def test_another_tenants_key_is_as_if_it_were_not_there(
    admin: Client, people: People, rows: Rows, nobody: Client
) -> None:
    _, stranger = await people.join((await rows.tenant()).id, "Admin")
    created = await made(admin)

    for method, path in [("POST", "/rotate"), ("DELETE", "")]:
        for key_id in (created["id"], str(uuid4()), "nonsense"):
            answer = await stranger.http.request(method, f"{KEYS}/{key_id}{path}")
            assert code(answer) == (404, "api_key_not_found")
    assert await status(nobody, created["key"]) == 200


async def _expire(rows: Rows, tenant: Tenant, key_id: str) -> None:
    async with rows.database.transaction(tenant.id) as db:
        await db.execute(
            text("UPDATE api_keys SET expires_at = now() - interval '1 s' WHERE id = :id"), {"id": key_id}
        )


async def test_an_admin_of_the_platform_ends_its_keys_and_makes_none(people: People, rows: Rows) -> None:
    """Over the network nobody makes what may act for every tenant; the operator does."""
    platform = await rows.platform()
    _, admin = await people.join(platform.id, "Admin")
    [key] = (await admin.http.get(KEYS)).json()["data"]

    refused = [
        await admin.http.post(KEYS, json={"name": "Mine"}),
        await admin.http.post(f"{KEYS}/{key['id']}/rotate"),
    ]
    ended = await admin.http.delete(f"{KEYS}/{key['id']}")

    assert [code(one) for one in refused] == [(403, "caller_not_allowed")] * 2
    assert "neo keys create --tenant" in refused[0].json()["error"]["message"]
    assert ended.status_code == 200
    owner = KeyDesk(rows.owner, "local", Pepper(("a secret of the operator's, long enough",)))
    assert (await owner.create(Operator(platform.id), "By the operator")).plain
