"""Reading what was said: sessions, messages, turns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import Author, Principal
from neo.attachments import Attachment, AttachmentStore
from neo.db import Database
from neo.events import Position
from neo.sessions import (
    AuthorStore,
    ChatMessage,
    ChatSession,
    MessageStore,
    SessionStore,
    ShownAuthor,
    check_readable,
)
from neo.turns.models import ChatTurn, TurnSegment
from neo.turns.render import is_progress
from neo.turns.segments.replay import segment_end
from neo.turns.store import TurnStore


@dataclass(frozen=True)
class SettledReply:
    parts: list[dict[str, Any]]
    # The last event of what is settled.
    end: Position


@dataclass(frozen=True)
class OpenTurnReply:
    """An open turn, with what readers are shown of what it has settled so far."""

    turn: ChatTurn
    reply: SettledReply | None


@dataclass(frozen=True)
class Transcript:
    messages: Sequence[ChatMessage]
    shows_progress: bool
    turns: dict[UUID, ChatTurn]
    open_turn: OpenTurnReply | None
    attachments: Sequence[Attachment] = ()
    authors: Mapping[Author, ShownAuthor] = field(default_factory=dict)


class Reader:
    """What callers may read. One row more than asked for tells whether there is a next page."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def session(self, caller: Principal, session_id: UUID) -> tuple[ChatSession, OpenTurnReply | None]:
        async with self._database.transaction(caller.tenant_id) as db:
            session = await _readable(db, caller, session_id)
            return session, await _open_turn(db, caller, session)

    async def sessions(
        self, caller: Principal, rows_max: int, before: tuple[datetime, UUID] | None
    ) -> Sequence[ChatSession]:
        async with self._database.transaction(caller.tenant_id) as db:
            return await SessionStore(db, caller.tenant_id).newest(rows_max, before=before, seen_by=caller)

    async def transcript(
        self,
        caller: Principal,
        session_id: UUID,
        rows_max: int,
        *,
        after: int | None,
        newest_first: bool,
        with_superseded: bool = False,
    ) -> Transcript:
        async with self._database.transaction(caller.tenant_id) as db:
            session = await _readable(db, caller, session_id)
            # Before the messages: should it end meanwhile, its reply may be among them, and is not lost.
            first_open = await _open_turn(db, caller, session)
            messages = await MessageStore(db, caller.tenant_id).page(
                session_id,
                rows_max,
                after=after,
                newest_first=newest_first,
                only=() if with_superseded else (_is_current(),),
            )
            turns = TurnStore(db, caller.tenant_id)
            found = await turns.by_ids(session_id, {message.turn_id for message in messages})
            with_files = [message.id for message in messages if message.has_files]
            attachments = (
                await AttachmentStore(db, caller.tenant_id).of_messages(with_files) if with_files else ()
            )
            authors = await AuthorStore(db, caller.tenant_id).shown_to(
                caller, session, [message.author for message in messages]
            )
            shows_progress = _shows_progress(caller, session)
            return Transcript(messages, shows_progress, found, first_open, attachments, authors)

    async def turn(
        self, caller: Principal, session_id: UUID, turn_id: UUID
    ) -> tuple[ChatTurn, ShownAuthor | None]:
        async with self._database.transaction(caller.tenant_id) as db:
            session = await _readable(db, caller, session_id)
            turn = await TurnStore(db, caller.tenant_id).get(session_id, turn_id)
            shown = await AuthorStore(db, caller.tenant_id).shown_to(caller, session, [turn.author])
            return turn, shown[turn.author] if turn.author else None

    async def check(self, caller: Principal, session_id: UUID) -> None:
        """Raises `SessionNotFound` unless the caller may see the session."""
        await self.session(caller, session_id)


def shown_parts(parts: list[dict[str, Any]], *, shows_progress: bool) -> list[dict[str, Any]]:
    """What a tail of the session would have shown."""
    return [part for part in parts if shows_progress or not is_progress(part)]


def _is_current() -> ColumnElement[bool]:
    """Whether no later turn has asked the message again that it answers."""
    superseded = select(ChatTurn.id).where(
        ChatTurn.tenant_id == ChatMessage.tenant_id,
        ChatTurn.id == ChatMessage.turn_id,
        ChatTurn.superseded_by.is_not(None),
    )
    return ~superseded.correlate(ChatMessage).exists()


def _shows_progress(caller: Principal, session: ChatSession) -> bool:
    return session.shows_progress and caller.sees_workings


async def _open_turn(db: AsyncSession, caller: Principal, session: ChatSession) -> OpenTurnReply | None:
    turn = await TurnStore(db, session.tenant_id).find_first_open(session.id)
    if turn is None:
        return None
    # A turn that is queued has settled nothing.
    reply = await _settled_reply(db, turn) if turn.segment > 1 else None
    if reply is not None:
        parts = shown_parts(reply.parts, shows_progress=_shows_progress(caller, session))
        reply = replace(reply, parts=parts)
    return OpenTurnReply(turn, reply)


async def _settled_reply(db: AsyncSession, turn: ChatTurn) -> SettledReply | None:
    # Parts and end are of one moment, as they are read by one statement: the turn goes on meanwhile.
    wanted = (
        select(TurnSegment, func.neo_reply_parts(turn.tenant_id, turn.id, type_=JSONB))
        .where(TurnSegment.tenant_id == turn.tenant_id, TurnSegment.turn_id == turn.id)
        .order_by(TurnSegment.segment.desc())
        .limit(1)
    )
    found = (await db.execute(wanted)).one_or_none()
    return None if found is None else SettledReply(found[1] or [], segment_end(turn, found[0]))


async def _readable(db: AsyncSession, caller: Principal, session_id: UUID) -> ChatSession:
    session = await SessionStore(db, caller.tenant_id).get(session_id)
    check_readable(caller, session)
    return session
