from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import Principal
from neo.db import read_page
from neo.errors import Failure, Kind
from neo.sessions.models import ChatMessage, ChatSession


class SessionNotFound(Failure):
    """No such session in your tenant."""

    kind = Kind.NOT_FOUND
    code = "session_not_found"
    remedy = "Check the id."


class SessionStore:
    def __init__(self, db: AsyncSession, tenant_id: UUID) -> None:
        self._db = db
        self._tenant_id = tenant_id

    async def add(self, session: ChatSession) -> ChatSession:
        self._db.add(session)
        await self._db.flush()
        await self._db.refresh(session)
        return session

    def all(self) -> Select[ChatSession]:
        return self._owned()

    async def get(self, session_id: UUID) -> ChatSession:
        return _found(await self._db.scalar(self._owned().where(ChatSession.id == session_id)))

    async def lock(self, session_id: UUID) -> ChatSession:
        """The session with its row locked until the transaction ends; lock it before changing its turns."""
        return _found(
            await self._db.scalar(self._owned().where(ChatSession.id == session_id).with_for_update())
        )

    async def newest(
        self, rows_max: int, *, before: tuple[datetime, UUID] | None, seen_by: Principal
    ) -> Sequence[ChatSession]:
        wanted = self._owned().order_by(ChatSession.created_at.desc(), ChatSession.id.desc()).limit(rows_max)
        if not seen_by.sees_whole_tenant:
            wanted = wanted.where(ChatSession.is_of(seen_by))
        if before is not None:
            wanted = wanted.where(tuple_(ChatSession.created_at, ChatSession.id) < before)
        return (await self._db.scalars(wanted)).all()

    async def archive(self, session: ChatSession) -> None:
        """Archive it; a second call changes nothing."""
        mine = (ChatSession.tenant_id == self._tenant_id) & (ChatSession.id == session.id)
        await self._db.execute(
            update(ChatSession)
            .where(mine & ChatSession.archived_at.is_(None))
            .values(archived_at=func.now(), updated_at=func.now())
        )
        await self._db.refresh(session)

    def _owned(self) -> Select[ChatSession]:
        return select(ChatSession).where(ChatSession.tenant_id == self._tenant_id)


class MessageStore:
    def __init__(self, db: AsyncSession, tenant_id: UUID) -> None:
        self._db = db
        self._tenant_id = tenant_id

    async def find_by_client_id(self, session_id: UUID, client_message_id: str) -> ChatMessage | None:
        wanted = self._in(session_id).where(ChatMessage.client_message_id == client_message_id)
        return await self._db.scalar(wanted)

    async def page(
        self,
        session_id: UUID,
        rows_max: int,
        *,
        after: int | None,
        newest_first: bool,
        only: Sequence[ColumnElement[bool]] = (),
    ) -> Sequence[ChatMessage]:
        order = ChatMessage.position.desc() if newest_first else ChatMessage.position.asc()
        wanted = self._in(session_id).where(*only).order_by(order).limit(rows_max)
        if after is not None:
            beyond = ChatMessage.position < after if newest_first else ChatMessage.position > after
            wanted = wanted.where(beyond)
        return await read_page(self._db, wanted)

    async def find(self, session_id: UUID, message_id: UUID) -> ChatMessage | None:
        return await self._db.scalar(self._in(session_id).where(ChatMessage.id == message_id))

    def _in(self, session_id: UUID) -> Select[ChatMessage]:
        return select(ChatMessage).where(
            ChatMessage.tenant_id == self._tenant_id, ChatMessage.session_id == session_id
        )


def _found(session: ChatSession | None) -> ChatSession:
    if session is None:
        raise SessionNotFound("No such chat session.")
    return session
