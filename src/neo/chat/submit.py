"""Accepting a message: stored with its turn in one transaction, then started."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import structlog
from sqlalchemy import Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, TEXT
from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import Principal
from neo.agents import Overlap
from neo.attachments import AttachmentsNotConfigured, AttachmentStore, Inspected, Inspector, claim
from neo.chat.draft import Draft
from neo.chat.errors import (
    ClientMessageIdReused,
    DuplicateClientMessageId,
    SessionArchived,
    TurnInProgress,
    TurnQueueFull,
)
from neo.chat.standing import Standing, lock_standing
from neo.db import Database
from neo.events import since_cursor
from neo.kit import reached
from neo.sessions import ChatSession, MessageStore, title_of
from neo.telemetry import traces, turn_metrics
from neo.turns.contract import TurnInput
from neo.turns.start import TurnStarter
from neo.turns.store import TurnStore

# The hot path, so one statement, written once: the session counts the turn, the turn is queued, the message said.
# A turn waits when one before it has not ended; the session's lock keeps that true until the commit.
STORE = text(
    """
    WITH counted AS (
        UPDATE chat_sessions SET last_turn_no = last_turn_no + 1, title = :title, updated_at = now()
        WHERE tenant_id = :tenant_id AND id = :session_id
        RETURNING last_turn_no AS turn_no
    ), queued AS (
        INSERT INTO chat_turns
            (id, tenant_id, session_id, turn_no, model_tier, user_message_id, reply_message_id, traceparent)
        SELECT :turn_id, :tenant_id, :session_id, turn_no, :tier, :message_id, :reply_id, :traceparent FROM counted
    ), said AS (
        INSERT INTO chat_messages
            (id, tenant_id, session_id, turn_id, position, role, parts, client_message_id, draft_digest)
        SELECT :message_id, :tenant_id, :session_id, :turn_id, turn_no * 2, 'user', :parts, :client_message_id, :digest
        FROM counted
    )
    SELECT turn_no, EXISTS (
        SELECT FROM chat_turns
        WHERE tenant_id = :tenant_id AND session_id = :session_id AND status IN ('QUEUED', 'RUNNING')
    ) AS waits FROM counted
    """
).bindparams(
    *(
        bindparam(name, type_=Uuid())
        for name in ("tenant_id", "session_id", "turn_id", "message_id", "reply_id")
    ),
    *(bindparam(name, type_=TEXT()) for name in ("title", "tier", "client_message_id", "traceparent")),
    bindparam("parts", type_=JSONB()),
    bindparam("digest", type_=BYTEA()),
)


@dataclass(frozen=True)
class Accepted:
    user_message_id: UUID
    turn_id: UUID
    since_cursor: str
    show_agent_progress_steps: bool | None


class TurnDesk:
    def __init__(
        self, database: Database, starter: TurnStarter, inspector: Inspector | None, *, queue_max: int
    ) -> None:
        self._database = database
        self._queue_max = queue_max
        self._starter = starter
        self._inspector = inspector

    async def submit(self, caller: Principal, session_id: UUID, draft: Draft) -> Accepted:
        inspected = await self._inspect(caller, session_id, draft) if draft.attachments else []
        with traces.span("accept message", neo__session_id=str(session_id)) as span:
            async with self._database.transaction(caller.tenant_id) as db:
                session = await _admitted(db, caller, session_id, draft, self._queue_max)
                accepted, is_first = await _store(db, session, draft, inspected)
                await claim(db, session.tenant_id, accepted.user_message_id, inspected)
                await reached("before_commit")
            span.say(neo__turn_id=str(accepted.turn_id))
        # The request's line in the log says which turn it made.
        structlog.contextvars.bind_contextvars(turn_id=str(accepted.turn_id))
        await reached("after_commit")
        if is_first:
            # After the commit: a start that fails here is made up for by the sweeper.
            self._starter.start_soon(TurnInput(str(caller.tenant_id), str(session_id), str(accepted.turn_id)))
        await reached("before_answer")
        return accepted

    async def _inspect(self, caller: Principal, session_id: UUID, draft: Draft) -> list[Inspected]:
        """The cited uploads, looked at while no connection and no lock is held: the store may be slow."""
        async with self._database.transaction(caller.tenant_id) as db:
            # A repeated message is told so, although its attachments are used by now.
            await _admitted(db, caller, session_id, draft, self._queue_max)
            paths = [one.blob_path for one in draft.attachments]
            issued = await AttachmentStore(db, caller.tenant_id).unused(session_id, paths)
        if self._inspector is None:
            raise AttachmentsNotConfigured
        return await self._inspector.inspect(draft.attachments, issued)


async def _admitted(
    db: AsyncSession, caller: Principal, session_id: UUID, draft: Draft, queue_max: int
) -> ChatSession:
    """The session, locked, if this caller may say this in it now."""
    # The lock comes first: without it, racing duplicates are told the wrong reason.
    standing = await lock_standing(db, caller.tenant_id, session_id)
    standing.check(caller)
    session = standing.session
    await _refuse_repeat(db, session, draft)
    if session.archived_at is not None:
        raise SessionArchived("This session is archived: open a new one.")
    standing.check_open_for_talk()
    await _refuse_overlap(db, standing, draft, queue_max)
    return session


async def _refuse_overlap(db: AsyncSession, standing: Standing, draft: Draft, queue_max: int) -> None:
    if not standing.open_turns:
        return
    session = standing.session
    is_full = standing.open_turns >= queue_max
    if not is_full and standing.overlap(draft.overlap) is Overlap.QUEUE:
        return
    turn = await TurnStore(db, session.tenant_id).find_first_open(session.id)
    details: dict[str, object] = {"open_turns": standing.open_turns}
    if turn is not None:
        details |= {
            "chat_turn_id": str(turn.id),
            "chat_turn_status": turn.status,
            "since_cursor": since_cursor(turn.turn_no),
        }
    if standing.overlap(draft.overlap) is Overlap.REJECT:
        raise TurnInProgress("A turn of this session is under way: wait for its end.", details=details)
    raise TurnQueueFull(f"{queue_max} turns of this session are open: wait for one to end.", details=details)


async def _refuse_repeat(db: AsyncSession, session: ChatSession, draft: Draft) -> None:
    if draft.client_message_id is None:
        return
    found = await MessageStore(db, session.tenant_id).find_by_client_id(session.id, draft.client_message_id)
    if found is None:
        return
    turn_metrics.duplicate_refused()
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


async def _store(
    db: AsyncSession, session: ChatSession, draft: Draft, inspected: Sequence[Inspected]
) -> tuple[Accepted, bool]:
    """Message, turn and the session's count; also whether the turn may begin at once."""
    turn_id, message_id = uuid4(), uuid4()
    values = {
        "tenant_id": session.tenant_id,
        "session_id": session.id,
        "title": session.title or title_of(draft.message),
        "turn_id": turn_id,
        "tier": draft.model_tier,
        "message_id": message_id,
        "reply_id": uuid4(),
        "parts": _parts(draft, inspected),
        "client_message_id": draft.client_message_id,
        "digest": draft.digest(),
        "traceparent": traces.traceparent(),
    }
    row = (await db.execute(STORE, values)).one()
    accepted = Accepted(message_id, turn_id, since_cursor(row.turn_no), session.show_agent_progress_steps)
    return accepted, not row.waits


def _parts(draft: Draft, inspected: Sequence[Inspected]) -> list[dict[str, Any]]:
    """Where an attachment is read is told anew each time, so only which one it is is stored."""
    said = [{"type": "text", "text": draft.message}] if draft.message or not inspected else []
    return [*said, *({"type": "file", "attachment_id": str(one.attachment.id)} for one in inspected)]
