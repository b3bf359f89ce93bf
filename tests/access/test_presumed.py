"""Who is presumed to hold a key is told nothing, and nothing is done for them, once it holds no more."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import text

from neo.access import CallerKind, Credential, CredentialKind, Presumed, Principal, Unauthenticated
from neo.access.authenticate import Authenticator
from neo.access.keys import KeyFormat
from neo.access.remembered_keys import REMEMBERED_MAX, RememberedKeys
from support.client import SESSIONS, Client
from support.counting import CountingDatabase
from support.rows import Rows, Tenant, opened
from support.server import Server

LAPSES = {
    "revoked": "UPDATE api_keys SET revoked_at = now() WHERE tenant_id = :id",
    "expired": "UPDATE api_keys SET expires_at = now() WHERE tenant_id = :id",
    "suspended": "UPDATE tenants SET suspended_at = now() WHERE id = :id",
}
SAID = text("SELECT count(*) FROM chat_messages WHERE tenant_id = :id AND role = 'user'")
HELLO = json.dumps({"message": "Hello"})
JSON = {"content-type": "application/json"}


@pytest.fixture
def someone() -> Principal:
    tenant_id = uuid4()
    credential = Credential(CredentialKind.API_KEY, tenant_id, uuid4())
    return Principal(CallerKind.SERVICE_ACCOUNT, tenant_id, tenant_id, credential.id, credential)


@pytest.fixture
async def tenant(rows: Rows) -> Tenant:
    return await rows.tenant()


async def remembered(server: Server, tenant: Tenant) -> tuple[Client, str]:
    """A client whose key the server has just looked up, and a session in which it has talked."""
    client = Client(server.url, tenant.api_key)
    session = await client.open()
    await client.say(session, "Hello")
    await client.say(session, "Hello again")
    return client, session


async def let_lapse(rows: Rows, tenant: Tenant, lapse: str) -> None:
    if lapse == "suspended":
        async with rows.owner.without_tenant() as owner:
            await owner.execute(text(LAPSES[lapse]), {"id": tenant.id})
    else:
        async with rows.database.transaction(tenant.id) as db:
            await db.execute(text(LAPSES[lapse]), {"id": tenant.id})


async def said(rows: Rows, tenant: Tenant) -> int:
    async with rows.database.transaction(tenant.id) as db:
        return int(await db.scalar(SAID, {"id": tenant.id}) or 0)


async def refusal(client: Client, method: str, path: str, **sent: Any) -> tuple[int, str]:
    answer: httpx2.Response = await client.http.request(method, f"{SESSIONS}{path}", **sent)
    return answer.status_code, answer.json()["error"]["code"]


@pytest.mark.parametrize("lapse", LAPSES)
async def test_a_key_that_held_a_moment_ago_is_refused_as_by_every_other_route(
    server: Server, rows: Rows, tenant: Tenant, lapse: str
) -> None:
    other = await opened(server, await rows.tenant())
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/{session}/messages", {"content": HELLO, "headers": JSON}),
        ("POST", "/{session}/messages", {"content": "{", "headers": JSON}),
        ("POST", "/{session}/messages", {"content": HELLO}),
        ("POST", f"/{other}/messages", {"content": HELLO, "headers": JSON}),
        ("POST", f"/{uuid4()}/messages", {"content": HELLO, "headers": JSON}),
        ("POST", "/no-guid/messages", {"content": HELLO, "headers": JSON}),
        ("GET", "/{session}/events", {}),
        ("GET", "/{session}/events?since=x", {}),
        ("GET", "/{session}/events?follow=perhaps", {}),
        ("GET", f"/{other}/events", {}),
        ("GET", f"/{uuid4()}/events", {}),
    ]
    # Each with a key of its own: one that was refused is presumed no more.
    holders = [
        await remembered(server, replace(tenant, api_key=await rows.key(tenant.id))) for _ in (None, *asked)
    ]
    before = await said(rows, tenant)
    await let_lapse(rows, tenant, lapse)

    expected = await refusal(holders[0][0], "GET", "")
    found = [
        await refusal(client, method, path.replace("{session}", session), **sent)
        for (client, session), (method, path, sent) in zip(holders[1:], asked, strict=True)
    ]
    for client, _ in holders:
        await client.http.aclose()

    assert expected[0] in (401, 403)
    assert found == [expected] * len(asked)
    assert await said(rows, tenant) == before == 2 * len(holders)


async def test_a_remembered_key_opens_no_other_tenants_session(
    server: Server, rows: Rows, tenant: Tenant
) -> None:
    client, _ = await remembered(server, tenant)
    theirs = await rows.tenant()
    other = await opened(server, theirs)

    found = [
        await refusal(client, "POST", f"/{other}/messages", content=HELLO, headers=JSON),
        await refusal(client, "GET", f"/{other}/events"),
    ]
    await client.http.aclose()

    assert found == [(404, "session_not_found")] * 2
    assert await said(rows, theirs) == 0


async def unused(tenant_id: UUID, person: object) -> Any:
    raise AssertionError((tenant_id, person))


@pytest.fixture
async def authenticator(server: Server, database: CountingDatabase) -> AsyncIterator[Authenticator]:
    secret = (server.data / "secret").read_text().strip()
    # The second one is what keys were made with before the secret changed.
    secrets = ("a newer secret" * 3, secret)
    authenticator = Authenticator(database, KeyFormat("local"), secrets, entra=None, enrol=unused)
    yield authenticator
    # When a key was last used is written behind the answer.
    await asyncio.gather(*authenticator._last_use._writing.values())


async def test_only_who_was_found_to_hold_a_key_is_presumed_to(
    authenticator: Authenticator, rows: Rows, tenant: Tenant
) -> None:
    shown = [f"Bearer {tenant.api_key}"]
    before = authenticator.presumed(shown)
    principal = await authenticator.authenticate(shown)

    found = authenticator.presumed(shown)

    assert before is None
    assert found is not None
    assert found[0] == principal
    async with rows.database.transaction(tenant.id) as db:
        assert bytes(await db.scalar(text("SELECT digest FROM api_keys")) or b"") == found[1]
    for others in ([], shown * 2, [tenant.api_key[:-1]], ["Bearer "], [f"Basic {tenant.api_key}"]):
        assert authenticator.presumed(others) is None


async def test_a_platforms_key_and_one_that_was_refused_are_not_remembered(
    authenticator: Authenticator, rows: Rows, tenant: Tenant
) -> None:
    platform = [f"Bearer {(await rows.platform()).api_key}"]
    shown = [f"Bearer {tenant.api_key}"]
    await authenticator.authenticate(platform)
    await authenticator.authenticate(shown)
    await let_lapse(rows, tenant, "revoked")
    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(shown)

    assert authenticator.presumed(platform) is None
    assert authenticator.presumed(shown) is None


def test_a_key_is_remembered_for_a_while_and_as_one_of_many(someone: Principal) -> None:
    brief, many = RememberedKeys(seconds=0.0), RememberedKeys()
    brief.remember(b"key", someone)
    for number in range(REMEMBERED_MAX + 1):
        many.remember(number.to_bytes(4), someone)

    assert brief.find([b"key"]) is None
    assert many.find([bytes(4)]) is None
    assert many.find([b"unknown", (1).to_bytes(4)]) == (someone, (1).to_bytes(4))


async def test_somebody_is_looked_up_once_and_refused_for_one_reason(someone: Principal) -> None:
    looked_up: list[str] = []

    async def refuse() -> None:
        looked_up.append("refused")
        raise Unauthenticated("No.")

    async def find() -> None:
        looked_up.append("found")

    lapsed, certain, known = (
        Presumed(someone, b"key", refuse),
        Presumed(someone, b"key", find),
        Presumed(someone),
    )
    reasons = []
    for _ in range(2):
        with pytest.raises(Unauthenticated) as refused:
            await lapsed.confirm()
        reasons.append(refused.value)
        await certain.confirm()
        await known.confirm()

    assert looked_up == ["refused", "found"]
    assert reasons[0] is reasons[1]
    assert (lapsed.key_digest, certain.key_digest, known.key_digest) == (b"key", None, None)
