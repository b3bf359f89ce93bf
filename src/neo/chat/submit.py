"""Accepting a message: stored with its turn in one transaction, then started."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import CTE, ColumnElement, exists, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import Principal
from neo.chat.draft import Draft
from neo.chat.errors import ClientMessageIdReused, DuplicateClientMessageId, SessionArchived
from neo.db import Base, Database
from neo.events import since_cursor
from neo.sessions import (
    ChatMessage,
    ChatSession,
    MessageStore,
    Role,
    SessionStore,
    message_position,
    title_of,
)
from neo.turns.contract import TurnInput
from neo.turns.models import ChatTurn
from neo.turns.start import TurnStarter
from neo.turns.store import TurnStore, open_turns


@dataclass(frozen=True)
class Accepted:
    user_message_id: UUID
    turn_id: UUID
    since_cursor: str
    show_agent_progress_steps: bool | None


class TurnDesk:
    def __init__(self, database: Database, starter: TurnStarter) -> None:
        self._database = database
        self._starter = starter

    async def submit(self, caller: Principal, session_id: UUID, draft: Draft) -> Accepted:
        async with self._database.transaction(caller.tenant_id) as db:
            # The lock comes first: without it, racing duplicates are told the wrong reason.
            session = await SessionStore(db, caller.tenant_id).lock(session_id)
            await _refuse_repeat(db, session, draft)
            if session.archived_at is not None:
                raise SessionArchived("This session is archived: open a new one.")
            accepted, is_first = await _store(db, session, draft)
        if is_first:
            # After the commit: a start that fails here is made up for by the sweeper.
            self._starter.start_soon(TurnInput(str(caller.tenant_id), str(session_id), str(accepted.turn_id)))
        return accepted


async def _refuse_repeat(db: AsyncSession, session: ChatSession, draft: Draft) -> None:
    if draft.client_message_id is None:
        return
    found = await MessageStore(db, session.tenant_id).find_by_client_id(session.id, draft.client_message_id)
    if found is None:
        return
    turn = await TurnStore(db, session.tenant_id).get(session.id, found.turn_id)
    details = {
        "user_message_id": str(found.id),
        "chat_turn_id": str(turn.id),
        "since_cursor": since_cursor(turn.turn_no),
        "chat_turn_status": turn.status,
    }
    if found.draft_digest != draft.digest():
        raise ClientMessageIdReused("This `client_message_id` was used for another message.", details=details)
    raise DuplicateClientMessageId("This message was accepted before: tail its turn.", details=details)


async def _store(db: AsyncSession, session: ChatSession, draft: Draft) -> tuple[Accepted, bool]:
    """Message, turn and the session's count in one statement; also whether the turn may begin at once."""
    turn_id, message_id = uuid4(), uuid4()
    counted = (
        update(ChatSession)
        .where(ChatSession.tenant_id == session.tenant_id, ChatSession.id == session.id)
        .values(
            last_turn_no=ChatSession.last_turn_no + 1,
            title=session.title or title_of(draft.message),
            updated_at=func.now(),
        )
        .returning(ChatSession.last_turn_no.label("turn_no"))
        .cte("counted")
    )
    ids = {"tenant_id": session.tenant_id, "session_id": session.id}
    turn = {
        "id": turn_id,
        "model_tier": draft.model_tier,
        "user_message_id": message_id,
        "reply_message_id": uuid4(),
    }
    message = {
        "id": message_id,
        "turn_id": turn_id,
        "role": Role.USER,
        "parts": [{"type": "text", "text": draft.message}],
        "client_message_id": draft.client_message_id,
        "draft_digest": draft.digest(),
    }
    position = message_position(counted.c.turn_no, Role.USER)
    statement = (
        select(counted.c.turn_no, exists(open_turns(session.tenant_id, session.id)).label("waits"))
        .add_cte(_inserted(ChatTurn, {**ids, **turn, "turn_no": counted.c.turn_no}, counted, "queued"))
        .add_cte(_inserted(ChatMessage, {**ids, **message, "position": position}, counted, "said"))
    )
    row = (await db.execute(statement)).one()
    cursor = since_cursor(row.turn_no)
    return Accepted(message_id, turn_id, cursor, session.show_agent_progress_steps), not row.waits


def _inserted(table: type[Base], values: dict[str, Any], source: CTE, name: str) -> CTE:
    columns = table.__table__.c
    bound = [
        value if isinstance(value, ColumnElement) else literal(value, columns[column].type)
        for column, value in values.items()
    ]
    return insert(table).from_select(list(values), select(*bound).select_from(source)).cte(name)
