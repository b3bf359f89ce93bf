"""A session's row and its messages, each seen by their own tenant only."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import Principal, Role
from neo.db import DatabaseUnavailable
from neo.sessions import (
    ChatMessage,
    ChatSession,
    MessageStore,
    SessionNotFound,
    SessionStore,
)
from neo.sessions import Role as Author
from sessions.callers import service_account, technician
from sessions.conftest import Opened
from support.rows import Rows, Tenant

ONE_TRY = text("SET LOCAL lock_timeout = '100ms'")
CREATED = text("UPDATE chat_sessions SET created_at = now() - make_interval(secs => :age) WHERE id = :id")


async def ids(db: AsyncSession, caller: Principal, after: ChatSession | None = None) -> list[UUID]:
    before = (after.created_at, after.id) if after is not None else None
    found = await SessionStore(db, caller.tenant_id).newest(10, before=before, seen_by=caller)
    return [session.id for session in found]


async def aged(db: AsyncSession, session: ChatSession, seconds: int) -> ChatSession:
    """All rows of one transaction have the same `now()`."""
    await db.execute(CREATED, {"age": seconds, "id": session.id})
    await db.refresh(session)
    return session


TURN = text(
    "INSERT INTO chat_turns"
    " (id, tenant_id, session_id, turn_no, status, model_tier, user_message_id, reply_message_id, ended_at)"
    " VALUES (:id, :tenant_id, :session_id, :turn_no, 'COMPLETED', 'FAST', :asked, :answered, now())"
)

POSITION = text("SELECT neo_message_position(:turn_no, :role)")


async def has_turn(db: AsyncSession, session: ChatSession, turn_no: int) -> UUID:
    ids = {"id": uuid4(), "asked": uuid4(), "answered": uuid4()}
    whose = {"tenant_id": session.tenant_id, "session_id": session.id}
    await db.execute(TURN, {**ids, **whose, "turn_no": turn_no})
    return ids["id"]


async def say(
    db: AsyncSession, session: ChatSession, turn_id: UUID, turn_no: int, author: Author, said: str
) -> None:
    message = ChatMessage(
        id=uuid4(),
        tenant_id=session.tenant_id,
        session_id=session.id,
        turn_id=turn_id,
        position=await db.scalar(POSITION, {"turn_no": turn_no, "role": author.value}),
        role=author,
        parts=[{"type": "text", "text": said}],
        client_message_id=said if author is Author.USER else None,
    )
    db.add(message)
    await db.flush()


async def test_a_session_is_found_by_its_own_tenant_only(
    rows: Rows, tenant: Tenant, db: AsyncSession, opened_by: Opened
) -> None:
    session = await opened_by(service_account(tenant.id))
    other = (await rows.tenant()).id

    assert (await SessionStore(db, tenant.id).get(session.id)).id == session.id
    for store in (SessionStore(db, other), SessionStore(db, uuid4())):
        with pytest.raises(SessionNotFound):
            await store.get(session.id)


async def test_a_locked_session_is_nobody_elses_to_lock(rows: Rows, tenant: Tenant) -> None:
    session_id = await committed(rows, tenant)
    async with rows.database.transaction(tenant.id) as db:
        await SessionStore(db, tenant.id).lock(session_id)

        with pytest.raises(DatabaseUnavailable):
            async with rows.database.transaction(tenant.id) as second:
                await second.execute(ONE_TRY)
                await SessionStore(second, tenant.id).lock(session_id)

    async with rows.database.transaction(tenant.id) as third:
        await third.execute(ONE_TRY)
        assert (await SessionStore(third, tenant.id).lock(session_id)).id == session_id


async def test_lists_are_newest_first_and_go_on_where_a_page_ended(
    tenant: Tenant, db: AsyncSession, opened_by: Opened
) -> None:
    caller = service_account(tenant.id)
    oldest, middle, newest = [await aged(db, await opened_by(caller), age) for age in (30, 20, 10)]

    assert await ids(db, caller) == [newest.id, middle.id, oldest.id]
    assert await ids(db, caller, after=newest) == [middle.id, oldest.id]


async def test_a_user_lists_their_own_sessions_and_an_admin_all(
    tenant: Tenant, db: AsyncSession, opened_by: Opened
) -> None:
    user, other = technician(tenant.id, Role.USER), technician(tenant.id, Role.USER)
    mine, theirs = await opened_by(user), await opened_by(other)
    # The same account, by another surface.
    by_key = await opened_by(service_account(tenant.id, user.account_id))

    assert await ids(db, user) == [mine.id]
    assert set(await ids(db, technician(tenant.id, Role.ADMIN))) == {mine.id, theirs.id, by_key.id}


async def test_a_session_is_archived_once(tenant: Tenant, db: AsyncSession, opened_by: Opened) -> None:
    session, store = await opened_by(service_account(tenant.id)), SessionStore(db, tenant.id)
    await store.archive(session)
    await db.execute(
        text("UPDATE chat_sessions SET archived_at = archived_at - interval '1 hour' WHERE id = :id"),
        {"id": session.id},
    )
    await db.refresh(session)
    first = session.archived_at

    await store.archive(session)

    assert first is not None
    assert session.archived_at == first


async def test_messages_are_in_the_order_of_their_turns(
    tenant: Tenant, db: AsyncSession, opened_by: Opened
) -> None:
    session, store = await opened_by(service_account(tenant.id)), MessageStore(db, tenant.id)
    first, second = [await has_turn(db, session, turn_no) for turn_no in (1, 2)]
    await say(db, session, second, 2, Author.USER, "and then?")
    await say(db, session, first, 1, Author.ASSISTANT, "Hello!")
    await say(db, session, first, 1, Author.USER, "Hi")

    oldest = await store.page(session.id, 10, after=None, newest_first=False)
    newest = await store.page(session.id, 2, after=None, newest_first=True)
    rest = await store.page(session.id, 10, after=oldest[0].position, newest_first=False)

    assert [message.text for message in oldest] == ["Hi", "Hello!", "and then?"]
    assert [message.text for message in newest] == ["and then?", "Hello!"]
    assert [message.text for message in rest] == ["Hello!", "and then?"]


async def test_a_message_is_found_by_its_id_and_by_its_senders_id(
    tenant: Tenant, db: AsyncSession, opened_by: Opened
) -> None:
    caller = service_account(tenant.id)
    session, other, store = await opened_by(caller), await opened_by(caller), MessageStore(db, tenant.id)
    await say(db, session, await has_turn(db, session, 1), 1, Author.USER, "Hi")

    by_id = await store.find_by_client_id(session.id, "Hi")

    assert by_id is not None
    assert await store.find(session.id, by_id.id) is by_id
    assert await store.find_by_client_id(other.id, "Hi") is None
    assert await store.find(other.id, by_id.id) is None


async def committed(rows: Rows, tenant: Tenant) -> UUID:
    agent_id = await rows.agent(tenant_id=tenant.id)
    caller = service_account(tenant.id)
    async with rows.database.transaction(tenant.id) as db:
        session = ChatSession(
            id=uuid4(),
            tenant_id=tenant.id,
            agent_id=agent_id,
            account_id=caller.account_id,
            channel=caller.surface,
        )
        return (await SessionStore(db, tenant.id).add(session)).id
