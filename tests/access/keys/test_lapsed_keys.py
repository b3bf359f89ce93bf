"""A key that was good a moment ago is refused by the next request, whatever else that request would be refused for."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import text

from neo.access.authenticate import Authenticator
from neo.access.keys.format import KeyFormat
from neo.access.principal import Role
from support.client import SESSIONS, Client
from support.counting import CountingDatabase
from support.rows import Rows, Tenant, opened
from support.server import Server

LAPSES = {
    "revoked": "UPDATE api_keys SET revoked_at = now() WHERE tenant_id = :id",
    "expired": "UPDATE api_keys SET expires_at = now() WHERE tenant_id = :id",
    "suspended": "UPDATE tenants SET suspended_at = now() WHERE id = :id",
}
MESSAGES = text("SELECT count(*) FROM chat_messages WHERE tenant_id = :id AND role = 'user'")
HELLO = json.dumps({"message": "Hello"})
JSON = {"content-type": "application/json"}


async def let_lapse(rows: Rows, tenant: Tenant, lapse: str) -> None:
    if lapse == "suspended":
        async with rows.owner.without_tenant() as owner:
            await owner.execute(text(LAPSES[lapse]), {"id": tenant.id})
    else:
        async with rows.database.transaction(tenant.id) as db:
            await db.execute(text(LAPSES[lapse]), {"id": tenant.id})


async def messages_of(rows: Rows, tenant: Tenant) -> int:
    async with rows.database.transaction(tenant.id) as db:
        return int(await db.scalar(MESSAGES, {"id": tenant.id}) or 0)


async def refusal(client: Client, method: str, path: str, **sent: Any) -> tuple[int, str]:
    answer: httpx2.Response = await client.http.request(method, f"{SESSIONS}{path}", **sent)
    return answer.status_code, answer.json()["error"]["code"]


@pytest.mark.parametrize("lapse", LAPSES)
async def test_a_key_that_has_just_been_used_is_refused_by_every_route_and_stores_nothing(
    server: Server, rows: Rows, lapse: str
) -> None:
    tenant = await rows.tenant()
    other = await opened(server, await rows.tenant())
    client = Client(server.url, tenant.api_key)
    session = await client.open()
    await client.say(session, "Hello")
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", "", {}),
        ("POST", f"/{session}/messages", {"content": HELLO, "headers": JSON}),
        ("POST", f"/{session}/messages", {"content": "{", "headers": JSON}),
        ("POST", f"/{session}/messages", {"content": HELLO}),
        ("POST", f"/{other}/messages", {"content": HELLO, "headers": JSON}),
        ("POST", f"/{uuid4()}/messages", {"content": HELLO, "headers": JSON}),
        ("POST", "/no-guid/messages", {"content": HELLO, "headers": JSON}),
        ("GET", f"/{session}/events", {}),
        ("GET", f"/{session}/events?since=x", {}),
        ("GET", f"/{session}/events?follow=perhaps", {}),
        ("GET", f"/{other}/events", {}),
        ("GET", f"/{uuid4()}/events", {}),
    ]

    await let_lapse(rows, tenant, lapse)
    found = {await refusal(client, method, path, **sent) for method, path, sent in asked}
    await client.http.aclose()

    expected = (403, "tenant_suspended") if lapse == "suspended" else (401, "unauthenticated")
    assert found == {expected}
    assert await messages_of(rows, tenant) == 1


async def never_enrol(tenant_id: UUID, person: object) -> Role:
    raise AssertionError((tenant_id, person))


async def test_a_key_costs_one_query_at_each_request(
    server: Server, rows: Rows, database: CountingDatabase
) -> None:
    tenant = await rows.tenant()
    # The second one is what keys were made with before the secret changed.
    secrets = ("a newer secret" * 3, (server.data / "secret").read_text().strip())
    authenticator = Authenticator(database, KeyFormat("local"), secrets, entra=None, enrol=never_enrol)

    principals = [await authenticator.authenticate([f"Bearer {tenant.api_key}"]) for _ in range(3)]
    # When a key was last used is written after its request.
    await asyncio.gather(*authenticator._last_use._writing.values())

    assert {principal.tenant_id for principal in principals} == {tenant.id}
    assert [asked for asked in database.taken() if asked == "neo_find_api_keys"] == ["neo_find_api_keys"] * 3
