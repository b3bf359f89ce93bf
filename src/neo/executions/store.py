from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import Principal
from neo.executions.errors import ExecutionNotFound
from neo.sessions import ChatSession, is_readable
from neo.turns.models import ChatTurn


class ExecutionStore:
    """A tenant's executions, as a caller may see them: those of sessions that the caller may read."""

    def __init__(self, db: AsyncSession, caller: Principal) -> None:
        self._db = db
        self._caller = caller

    async def get(self, execution_id: UUID) -> tuple[ChatTurn, ChatSession]:
        found = (await self._db.execute(self._owned().where(ChatTurn.id == execution_id))).one_or_none()
        if found is None or not is_readable(self._caller, found[1]):
            raise ExecutionNotFound("No such execution.")
        return found[0], found[1]

    def _owned(self) -> Select[ChatTurn, ChatSession]:
        tenant_id = self._caller.tenant_id
        of_session = (ChatSession.tenant_id == tenant_id) & (ChatSession.id == ChatTurn.session_id)
        return (
            select(ChatTurn, ChatSession).join(ChatSession, of_session).where(ChatTurn.tenant_id == tenant_id)
        )
