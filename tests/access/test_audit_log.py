"""The audit log through the API: newest first, filtered exactly, one tenant's, and only ever added to."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from neo.api import page_token
from neo.audit import AuditStore
from support.client import SESSIONS, Client
from support.people import People
from support.rows import Rows, Tenant
from support.server import Server

LOG = "/public-api/audit-log"


def code(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
async def tenant(rows: Rows) -> Tenant:
    return await rows.tenant("A tenant with a log")


@pytest.fixture
async def own(server: Server, tenant: Tenant) -> AsyncIterator[Client]:
    client = Client(server.url, tenant.api_key)
    yield client
    await client.http.aclose()


async def read(client: Client, **params: Any) -> list[dict[str, Any]]:
    answer = await client.http.get(LOG, params=params)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


async def test_a_tenant_begins_with_its_creation_by_the_operator(own: Client, tenant: Tenant) -> None:
    [entry] = await read(own)

    assert (entry["action"], entry["object_id"]) == ("tenant.created", str(tenant.id))
    assert (entry["actor_kind"], entry["actor_id"]) == ("operator", None)


async def test_an_id_tells_nothing_of_what_other_tenants_do(own: Client, rows: Rows) -> None:
    for n in range(2):
        await own.http.put("/public-api/settings", json={"referral_code": f"code {n}"})
        await rows.tenant("Busy meanwhile")

    assert [entry["id"] for entry in await read(own)] == [3, 2, 1]


async def test_filters_are_exact_and_pages_go_to_the_end(own: Client) -> None:
    for n in range(5):
        await own.http.put("/public-api/settings", json={"referral_code": f"code {n}"})

    found, cursor, more = [], None, True
    while more:
        params: dict[str, Any] = {
            "page_size": 2,
            "action": "settings.updated",
            **({"cursor": cursor} if cursor else {}),
        }
        page = (await own.http.get(LOG, params=params)).json()
        found += [entry["id"] for entry in page["data"]]
        more, cursor = page["meta"]["pagination"]["has_more"], page["meta"]["pagination"]["next_cursor"]

    assert len(found) == 5
    assert found == sorted(found, reverse=True)
    assert await read(own, action="settings.update") == []
    assert await read(own, object_kind="agent") == []
    assert await read(own, object_id="nobody's") == []
    assert len(await read(own, object_kind="tenant")) == 6


@pytest.mark.parametrize(
    "params",
    [
        {"action": "A B"},
        {"object_kind": "x\0"},
        {"object_id": "a\0b"},
        {"object_id": ""},
        {"page_size": "201"},
    ],
)
async def test_a_filter_that_cannot_be(own: Client, params: dict[str, str]) -> None:
    assert code(await own.http.get(LOG, params=params)) == (422, "validation_error")


@pytest.mark.parametrize("position", [2**63, 2**64 - 1, 10**30, 0, -1, True, 1.5, "1", None])
async def test_a_cursor_that_was_made_up(own: Client, tenant: Tenant, position: object) -> None:
    cursor = (
        base64.urlsafe_b64encode(json.dumps([f"audit-log:{tenant.id}", position]).encode())
        .decode()
        .rstrip("=")
    )

    assert code(await own.http.get(LOG, params={"cursor": cursor})) == (400, "invalid_cursor")


async def test_another_tenants_log_is_not_seen(own: Client, rows: Rows, server: Server) -> None:
    other = await rows.tenant()
    stranger = Client(server.url, other.api_key)

    assert [entry["object_id"] for entry in await read(stranger)] == [str(other.id)]
    theirs = page_token(f"audit-log:{other.id}", 1)
    assert code(await own.http.get(LOG, params={"cursor": theirs})) == (400, "invalid_cursor")
    await stranger.http.aclose()


@pytest.mark.parametrize(("role", "status"), [("Admin", 200), ("User", 403), ("Viewer", 403)])
async def test_admins_read_it_and_users_do_not(
    tenant: Tenant, people: People, role: str, status: int
) -> None:
    _, caller = await people.join(tenant.id, role)

    assert (await caller.http.get(LOG)).status_code == status


@pytest.mark.parametrize("statement", ["DELETE FROM audit_log", "UPDATE audit_log SET action = 'nothing'"])
async def test_the_application_cannot_rewrite_it(rows: Rows, tenant: Tenant, statement: str) -> None:
    with pytest.raises(ProgrammingError):
        async with rows.database.transaction(tenant.id) as db:
            await db.execute(text(statement))


async def test_an_entry_names_the_key_that_it_was_done_with(
    own: Client, tenant: Tenant, people: People
) -> None:
    _, admin = await people.join(tenant.id, "Admin")

    for caller, code in ((own, "one"), (admin, "two")):
        await caller.http.put("/public-api/settings", json={"referral_code": code})

    by_admin, by_key = await read(own, action="settings.updated")
    [key] = (await admin.http.get("/public-api/api-keys")).json()["data"]
    assert (by_key["actor_kind"], by_key["credential_id"]) == ("service_account", key["id"])
    assert (by_admin["actor_kind"], by_admin["credential_id"]) == ("technician", None)


async def test_the_platform_is_on_record_by_kind_and_whom_it_spoke_for(
    own: Client, tenant: Tenant, rows: Rows, people: People
) -> None:
    relay = people.client((await rows.platform()).api_key)
    await relay.http.post(SESSIONS, json={"client_id": str(tenant.id)}, headers={"x-neo-end-user": "zoe"})

    [entry] = await read(own, action="session.relayed")

    assert (entry["actor_kind"], entry["end_user"]) == ("platform", "zoe")
    assert (entry["actor_id"], entry["credential_id"]) == (None, None)
    async with rows.database.transaction(tenant.id) as db:
        [stored] = await AuditStore(db, tenant.id).newest(1, before=None)
    assert None not in (stored.actor_id, stored.credential_id)
