"""Reading what was said: sessions, messages, turns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import Author, Principal
from neo.attachments import Attachment, AttachmentStore
from neo.db import Database
from neo.sessions import (
    AuthorStore,
    ChatMessage,
    ChatSession,
    MessageStore,
    SessionStore,
    ShownAuthor,
    check_readable,
)
from neo.turns.models import ChatTurn
from neo.turns.store import TurnStore


@dataclass(frozen=True)
class OpenTurnReply:
    """An open turn, with what it has settled so far."""

    turn: ChatTurn
    parts: list[dict[str, Any]]


@dataclass(frozen=True)
class Transcript:
    messages: Sequence[ChatMessage]
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
            return session, await _open_turn(db, caller.tenant_id, session_id)

    async def sessions(
        self, caller: Principal, rows_max: int, before: tuple[datetime, UUID] | None
    ) -> Sequence[ChatSession]:
        async with self._database.transaction(caller.tenant_id) as db:
            return await SessionStore(db, caller.tenant_id).newest(rows_max, before=before, seen_by=caller)

    async def transcript(
        self, caller: Principal, session_id: UUID, rows_max: int, *, after: int | None, newest_first: bool
    ) -> Transcript:
        async with self._database.transaction(caller.tenant_id) as db:
            session = await _readable(db, caller, session_id)
            messages = await MessageStore(db, caller.tenant_id).page(
                session_id, rows_max, after=after, newest_first=newest_first
            )
            turns = TurnStore(db, caller.tenant_id)
            found = await turns.by_ids(session_id, {message.turn_id for message in messages})
            first_open = await _open_turn(db, caller.tenant_id, session_id)
            with_files = [message.id for message in messages if message.has_files]
            attachments = (
                await AttachmentStore(db, caller.tenant_id).of_messages(with_files) if with_files else ()
            )
            authors = await AuthorStore(db, caller.tenant_id).shown_to(
                caller, session, [message.author for message in messages]
            )
            return Transcript(messages, found, first_open, attachments, authors)

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


async def _open_turn(db: AsyncSession, tenant_id: UUID, session_id: UUID) -> OpenTurnReply | None:
    turn = await TurnStore(db, tenant_id).find_first_open(session_id)
    if turn is None:
        return None
    # A turn that is queued has settled nothing.
    parts = (
        await db.scalar(select(func.neo_reply_parts(tenant_id, turn.id, type_=JSONB)))
        if turn.segment > 1
        else None
    )
    return OpenTurnReply(turn, parts or [])


async def _readable(db: AsyncSession, caller: Principal, session_id: UUID) -> ChatSession:
    session = await SessionStore(db, caller.tenant_id).get(session_id)
    check_readable(caller, session)
    return session
