"""Messages that come in the same moment are stored by one statement, and none waits for or hears of another."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from sqlalchemy import text

from neo.access import CallerKind, Credential, CredentialKind, Principal, Role
from neo.chat.errors import SessionArchived
from neo.chat.posting.draft import Draft
from neo.chat.posting.session_access import SessionAccesses
from neo.chat.posting.storing import ACCEPT, Storage, Submission
from neo.chat.posting.submit import QueueBounds, TurnDesk
from neo.sessions import SessionNotFound
from neo.streams import Valkey
from neo.turns.leases.places import Places
from support.client import Client
from support.counting import CountingDatabase
from support.rows import Rows, Tenant, opened
from support.server import Server

LOCK = text("SELECT 1 FROM chat_sessions WHERE id = :id FOR UPDATE")
ARCHIVE = text("UPDATE chat_sessions SET archived_at = now() WHERE id = :id")
DELETE_AGENT = text(
    "UPDATE agents SET deleted_at = now() WHERE id = (SELECT agent_id FROM chat_sessions WHERE id = :id)"
)
SAID = text("SELECT count(*) FROM chat_messages WHERE session_id = :id AND role = 'user'")
# By the agent's own model: the server's SMART one would answer at once.
HELLO = Draft("Hello", "FAST", "hello-1")
MANY = 100


@pytest.fixture
async def tenant(rows: Rows) -> Tenant:
    return await rows.tenant()


@pytest.fixture
async def session_id(server: Server, tenant: Tenant) -> UUID:
    return await opened(server, tenant)


@pytest.fixture
async def slow_session_id(server: Server, rows: Rows, tenant: Tenant) -> AsyncIterator[UUID]:
    """A session whose turns end after the test: an end locks its session, and what is locked is not stored."""
    agent = await rows.agent("scripted:first_ms=60000", tenant_id=tenant.id)
    client = Client(server.url, tenant.api_key)
    session = await client.open(agent_id=agent)
    yield UUID(session)
    await client.http.post(f"/public-api/chat/sessions/{session}/archive")
    await client.http.aclose()


async def row_of(
    database: CountingDatabase, said: Submission, *, open_turns_max: int = 100
) -> dict[str, Any]:
    access = await SessionAccesses(database).of(said.tenant_id, said.session_id)
    return said.row(open_turns_max, version=access.version)


def written(*rows: dict[str, Any]) -> str:
    return orjson.dumps(rows).decode()


async def said_in(database: CountingDatabase, tenant: Tenant, session_id: UUID) -> int:
    async with database.transaction(tenant.id) as db:
        return int(await db.scalar(SAID, {"id": session_id}) or 0)


async def test_what_comes_at_once_is_stored_by_few_statements(
    database: CountingDatabase, tenant: Tenant, slow_session_id: UUID
) -> None:
    storage = Storage(database)
    draft = replace(HELLO, client_message_id=None)
    rows = [await row_of(database, Submission(tenant.id, slow_session_id, draft)) for _ in range(MANY)]
    database.taken()

    stored = await asyncio.gather(*(storage.store(row) for row in rows))

    assert sorted(one["turn_no"] for one in stored if one) == list(range(1, MANY + 1))
    assert sorted(one["open_turns"] for one in stored if one) == list(range(MANY))
    assert len(database.taken()) <= MANY / 20


async def test_no_row_stores_anything_in_another_tenants_session(
    server: Server, rows: Rows, database: CountingDatabase, tenant: Tenant, session_id: UUID
) -> None:
    other = await rows.tenant()
    theirs = await opened(server, other)
    storage = Storage(database)
    mine = await row_of(database, Submission(tenant.id, session_id, HELLO))
    astray = {**await row_of(database, Submission(other.id, theirs, HELLO)), "tenant_id": tenant.id}

    first = asyncio.create_task(storage.store(mine))
    await asyncio.sleep(0)
    stored = await asyncio.gather(storage.store(astray), storage.store({**astray, "version": None}))

    assert list(stored) == [None, None]
    assert await first is not None
    assert await said_in(database, other, theirs) == 0


async def test_who_looks_at_anothers_session_finds_none_though_its_owner_looks_at_once(
    rows: Rows, database: CountingDatabase, tenant: Tenant, session_id: UUID
) -> None:
    other = await rows.tenant()
    accesses = SessionAccesses(database)

    first = asyncio.create_task(accesses.of(tenant.id, session_id))
    await asyncio.sleep(0)
    stranger, owner = await asyncio.gather(
        accesses.of(other.id, session_id), accesses.of(tenant.id, session_id), return_exceptions=True
    )

    assert isinstance(stranger, SessionNotFound)
    assert not isinstance(owner, BaseException)
    assert owner.id == (await first).id == session_id


@pytest.mark.parametrize("change", [ARCHIVE, DELETE_AGENT], ids=["archived", "agent deleted"])
async def test_a_session_that_has_changed_since_it_was_looked_at_takes_nothing(
    database: CountingDatabase, tenant: Tenant, session_id: UUID, change: Any
) -> None:
    row = await row_of(database, Submission(tenant.id, session_id, HELLO))
    async with database.transaction(tenant.id) as db:
        await db.execute(change, {"id": session_id})

    assert await Storage(database).store(row) is None
    assert await said_in(database, tenant, session_id) == 0


async def test_a_locked_session_is_not_waited_for(
    server: Server, rows: Rows, database: CountingDatabase, tenant: Tenant, session_id: UUID
) -> None:
    free = await opened(server, tenant)
    locked_row = await row_of(database, Submission(tenant.id, session_id, HELLO))
    free_row = await row_of(database, Submission(tenant.id, free, HELLO))
    async with rows.database.transaction(tenant.id) as db:
        await db.execute(LOCK, {"id": session_id})
        async with asyncio.timeout(20):
            stored = await database.call(ACCEPT, written(locked_row, free_row))

    assert [one["turn_id"] for one in stored] == [free_row["turn_id"]]


async def test_a_message_that_is_stored_again_is_stored_once_and_answered_alike(
    database: CountingDatabase, tenant: Tenant, session_id: UUID
) -> None:
    storage = Storage(database)
    row = await row_of(database, Submission(tenant.id, session_id, HELLO))

    first, again = await storage.store(row), await storage.store(row)

    assert first is not None
    assert again is not None
    assert dict(first) == dict(again)
    assert await said_in(database, tenant, session_id) == 1


async def test_a_repeat_and_a_message_too_many_are_not_stored(
    database: CountingDatabase, tenant: Tenant, session_id: UUID
) -> None:
    storage = Storage(database)
    another = replace(HELLO, client_message_id="hello-2")
    await storage.store(await row_of(database, Submission(tenant.id, session_id, HELLO)))

    repeat = await row_of(database, Submission(tenant.id, session_id, HELLO))
    too_many = await row_of(database, Submission(tenant.id, session_id, another), open_turns_max=1)

    assert [await storage.store(repeat), await storage.store(too_many)] == [None, None]
    assert await said_in(database, tenant, session_id) == 1


async def test_a_message_that_cannot_be_stored_is_told_apart_from_those_beside_it(
    server: Server, database: CountingDatabase, tenant: Tenant, session_id: UUID
) -> None:
    storage = Storage(database)
    other = await opened(server, tenant)
    good = await row_of(database, Submission(tenant.id, session_id, HELLO))
    bad = {**good, "turn_id": uuid4(), "client_message_id": "bad", "model_tier": "NONE"}

    first = asyncio.create_task(storage.store(await row_of(database, Submission(tenant.id, other, HELLO))))
    await asyncio.sleep(0)
    together = await asyncio.gather(storage.store(good), storage.store(bad))

    # Each is tried again alone.
    assert list(together) == [None, None]
    assert await first is not None
    assert await storage.store(good) is not None


@pytest.fixture
async def desk(server: Server, database: CountingDatabase) -> AsyncIterator[TurnDesk]:
    """Of a process that drives no turns: the server beside it claims what is accepted here."""
    valkey = Valkey(server.addresses.redis_url)
    yield TurnDesk(database, valkey, Places(0, 0), None, bounds=QueueBounds(100))
    await valkey.aclose()


async def opener(database: CountingDatabase, tenant: Tenant, session_id: UUID) -> Principal:
    access = await SessionAccesses(database).of(tenant.id, session_id)
    kind = CallerKind.SERVICE_ACCOUNT
    credential = Credential(CredentialKind.API_KEY, tenant.id, access.account_id)
    return Principal(kind, tenant.id, tenant.id, access.account_id, credential)


async def test_a_message_is_looked_at_and_stored_by_two_statements_and_no_lock(
    database: CountingDatabase, desk: TurnDesk, tenant: Tenant, slow_session_id: UUID
) -> None:
    session_id = slow_session_id
    caller = await opener(database, tenant, session_id)
    database.taken()
    draft = replace(HELLO, client_message_id=None)

    for _ in range(3):
        await desk.submit(caller, session_id, draft)
    asked = database.taken()
    async with database.transaction(tenant.id) as db:
        await db.execute(ARCHIVE, {"id": session_id})

    assert asked == ["neo_session_access", ACCEPT] * 3
    with pytest.raises(SessionArchived):
        await desk.submit(caller, session_id, draft)
    assert await said_in(database, tenant, session_id) == 3


async def test_a_session_is_checked_for_each_who_talks_in_it(
    rows: Rows, database: CountingDatabase, desk: TurnDesk, tenant: Tenant, session_id: UUID
) -> None:
    caller = await opener(database, tenant, session_id)
    await desk.submit(caller, session_id, HELLO)
    other = await rows.tenant()
    draft = replace(HELLO, client_message_id=None)

    for stranger in (
        replace(caller, tenant_id=other.id, home_tenant_id=other.id),
        replace(caller, kind=CallerKind.TECHNICIAN, account_id=uuid4(), role=Role.USER),
        replace(caller, kind=CallerKind.END_USER, session_id=uuid4()),
    ):
        with pytest.raises(SessionNotFound):
            await desk.submit(stranger, session_id, draft)

    assert await said_in(database, tenant, session_id) == 1
