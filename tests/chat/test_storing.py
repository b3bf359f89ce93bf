"""Messages that come in the same moment are stored by one statement, and none waits for or hears of another."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson
import pytest
from neo.chat.posting.standing import Standings
from neo.turns.starting.start import TurnStarter
from neo.turns.starting.start_queue import BURST
from sqlalchemy import text
from temporalio.client import Client as TemporalClient

from neo.access import CallerKind, Credential, CredentialKind, Principal, Role
from neo.agents import ManagedAgentKey
from neo.chat.errors import SessionArchived
from neo.chat.open import Opening, SessionDesk
from neo.chat.posting.draft import Draft
from neo.chat.posting.storing import ACCEPT, Storage, Submission
from neo.chat.posting.submit import TurnDesk
from neo.sessions import SessionNotFound
from neo.turns.models import TurnStatus
from neo.turns.prompt import Task, begin_task, task_of
from neo.turns.temporal.contract import TurnInput
from support.counting import CountingDatabase
from support.rows import Rows, Tenant, opened
from support.server import Server

LOCK = text("SELECT 1 FROM chat_sessions WHERE id = :id FOR UPDATE")
ARCHIVE = text("UPDATE chat_sessions SET archived_at = now() WHERE id = :id")
DELETE_AGENT = text(
    "UPDATE agents SET deleted_at = now() WHERE id = (SELECT agent_id FROM chat_sessions WHERE id = :id)"
)
SAID = text("SELECT count(*) FROM chat_messages WHERE session_id = :id")
STATUSES = text(
    "SELECT status, held_until > clock_timestamp() FROM chat_turns WHERE session_id = :id ORDER BY turn_no"
)
HELLO = Draft("Hello", "SMART", "hello-1")
MANY = 100


@pytest.fixture
async def tenant(rows: Rows) -> Tenant:
    return await rows.tenant()


@pytest.fixture
async def session_id(server: Server, tenant: Tenant) -> UUID:
    return await opened(server, tenant)


async def row_of(
    database: CountingDatabase, said: Submission, *, open_turns_max: int = 100
) -> dict[str, Any]:
    standing = await Standings(database).last(said.tenant_id, said.session_id)
    return said.row(open_turns_max, seen=standing.seen)


def written(*rows: dict[str, Any]) -> str:
    return orjson.dumps(rows).decode()


async def said_in(database: CountingDatabase, tenant: Tenant, session_id: UUID) -> int:
    async with database.transaction(tenant.id) as db:
        return int(await db.scalar(SAID, {"id": session_id}) or 0)


async def test_what_comes_at_once_is_stored_by_few_statements(
    database: CountingDatabase, tenant: Tenant, session_id: UUID
) -> None:
    storage = Storage(database)
    draft = replace(HELLO, client_message_id=None)
    rows = [await row_of(database, Submission(tenant.id, session_id, draft)) for _ in range(MANY)]
    database.taken()

    stored = await asyncio.gather(*(storage.store(row) for row in rows))

    assert sorted(one["turn_no"] for one in stored if one) == list(range(1, MANY + 1))
    assert sorted(one["open_turns"] for one in stored if one) == list(range(MANY))
    assert len(database.taken()) <= MANY / 20


async def test_a_turn_that_is_to_begin_is_begun_with_its_message_unless_one_is_open(
    database: CountingDatabase, tenant: Tenant, session_id: UUID
) -> None:
    storage = Storage(database)
    draft = replace(HELLO, client_message_id=None)
    rows = [await row_of(database, Submission(tenant.id, session_id, draft)) for _ in range(2)]

    stored = [await storage.store({**row, "held_for": "60 seconds"}) for row in rows]
    async with database.transaction(tenant.id) as db:
        statuses = (await db.execute(STATUSES, {"id": session_id})).all()

    assert stored[0] is not None
    task = task_of(stored[0]["begun"])
    assert (task.turn.id, task.turn.tenant_id) == (rows[0]["turn_id"], tenant.id)
    assert (task.turn.status, task.turn.claim, task.turn.attempts) == (TurnStatus.RUNNING, 1, 1)
    assert (task.message.text, task.instructions) == (
        "Hello",
        (await begun_again(database, rows[0])).instructions,
    )
    assert stored[1] is not None
    assert stored[1]["begun"] is None
    assert statuses == [("RUNNING", True), ("QUEUED", None)]


async def test_a_turn_that_begins_later_is_queued(
    database: CountingDatabase, tenant: Tenant, session_id: UUID
) -> None:
    stored = await Storage(database).store(await row_of(database, Submission(tenant.id, session_id, HELLO)))

    assert stored is not None
    assert stored["begun"] is None
    async with database.transaction(tenant.id) as db:
        assert (await db.execute(STATUSES, {"id": session_id})).all() == [("QUEUED", None)]


async def begun_again(database: CountingDatabase, row: dict[str, Any]) -> Task:
    """As its next attempt would begin it."""
    task = await begin_task(database, row["tenant_id"], row["turn_id"], None, is_first=False)
    assert task is not None
    assert task.turn.attempts == 2
    return task


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
    stored = await asyncio.gather(storage.store(astray), storage.store({**astray, "seen": None}))

    assert list(stored) == [None, None]
    assert await first is not None
    assert await said_in(database, other, theirs) == 0


async def test_who_looks_at_anothers_session_finds_none_though_its_owner_looks_at_once(
    rows: Rows, database: CountingDatabase, tenant: Tenant, session_id: UUID
) -> None:
    other = await rows.tenant()
    standings = Standings(database)

    first = asyncio.create_task(standings.last(tenant.id, session_id))
    await asyncio.sleep(0)
    stranger, owner = await asyncio.gather(
        standings.last(other.id, session_id), standings.last(tenant.id, session_id), return_exceptions=True
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
        async with asyncio.timeout(2):
            stored = await database.call(ACCEPT, written(locked_row, free_row))

    assert [one["turn_id"] for one in stored] == [free_row["turn_id"]]


async def test_a_message_told_again_is_stored_once_and_answered_alike(
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
def desk(database: CountingDatabase) -> TurnDesk:
    return TurnDesk(database, TurnStarter(Away(), "nobodys"), Standings(database), None, queue_max=100)


class Away:
    """Temporal, before it is connected: the server's own sweeper starts what is accepted here."""

    client: TemporalClient | None = None


async def opener(database: CountingDatabase, tenant: Tenant, session_id: UUID) -> Principal:
    standing = await Standings(database).last(tenant.id, session_id)
    kind = CallerKind.SERVICE_ACCOUNT
    credential = Credential(CredentialKind.API_KEY, tenant.id, standing.account_id)
    return Principal(kind, tenant.id, tenant.id, standing.account_id, credential)


async def test_a_session_is_looked_at_before_its_first_message_and_then_when_it_has_changed(
    database: CountingDatabase, desk: TurnDesk, tenant: Tenant, session_id: UUID
) -> None:
    caller = await opener(database, tenant, session_id)
    database.taken()
    draft = replace(HELLO, client_message_id=None)

    for _ in range(3):
        await desk.submit(caller, session_id, draft)
    asked = database.taken()
    async with database.transaction(tenant.id) as db:
        await db.execute(ARCHIVE, {"id": session_id})

    assert asked == ["neo_standings", *[ACCEPT] * 3]
    with pytest.raises(SessionArchived):
        await desk.submit(caller, session_id, draft)
    assert await said_in(database, tenant, session_id) == 3


async def test_what_is_remembered_of_a_session_is_checked_for_each_who_talks_in_it(
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


class Beside:
    """A worker beside this that has room as told. It leaves the steps to the server's."""

    def __init__(self) -> None:
        self.has_room = True
        self.begun: list[UUID | None] = []

    def begin_early(self, turn: TurnInput, begun: asyncpg.Record | None, *, held: int) -> None:  # noqa: ARG002
        self.begun.append(begun["id"] if begun is not None else None)


class Here:
    """Temporal, once it is connected."""

    def __init__(self, client: TemporalClient) -> None:
        self.client: TemporalClient | None = client


@pytest.mark.parametrize(
    ("has_room", "is_burst", "is_begun"), [(True, False, True), (False, False, False), (True, True, False)]
)
async def test_a_message_whose_turn_begins_here_at_once_begins_it(
    server: Server,
    database: CountingDatabase,
    tenant: Tenant,
    session_id: UUID,
    *,
    has_room: bool,
    is_burst: bool,
    is_begun: bool,
) -> None:
    client = await TemporalClient.connect(server.addresses.temporal_address)
    starter, beside = TurnStarter(Here(client), "neo"), Beside()
    starter.early, beside.has_room = beside, has_room
    for _ in range(BURST if is_burst else 0):
        starter.queue.message_came()

    accepted = await TurnDesk(database, starter, Standings(database), None, queue_max=100).submit(
        await opener(database, tenant, session_id), session_id, HELLO
    )

    assert (accepted.begun is not None) is is_begun
    assert (accepted.turn_id in beside.begun) is is_begun
    await starter.aclose()


async def test_a_session_that_was_opened_here_is_looked_at_before_its_first_message(
    database: CountingDatabase, tenant: Tenant, session_id: UUID
) -> None:
    standings = Standings(database)
    desk = TurnDesk(database, TurnStarter(Away(), "nobodys"), standings, None, queue_max=100)
    caller = await opener(database, tenant, session_id)
    database.taken()

    opening = Opening(managed_agent_key=ManagedAgentKey.NEO_SUPPORT)
    session = await SessionDesk(database, standings).open(caller, opening)
    async with asyncio.timeout(2):
        while not any("neo_standings" in asked for asked in database.asked):
            await asyncio.sleep(0.01)
        await standings.last(tenant.id, session.id)
    database.taken()

    await desk.submit(caller, session.id, HELLO)
    assert len(database.taken()) == 1


async def test_a_message_that_meets_an_open_turn_begins_none(
    server: Server, database: CountingDatabase, tenant: Tenant, session_id: UUID
) -> None:
    client = await TemporalClient.connect(server.addresses.temporal_address)
    starter = TurnStarter(Here(client), "neo")
    starter.early = Beside()
    desk = TurnDesk(database, starter, Standings(database), None, queue_max=100)
    caller = await opener(database, tenant, session_id)

    accepted = [
        await desk.submit(caller, session_id, replace(HELLO, client_message_id=None)) for _ in range(2)
    ]

    assert [(one.open_turns, one.begun is None) for one in accepted] == [(0, False), (1, True)]
    await starter.aclose()
