from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, tuple_
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import Principal
from neo.agents import Agent
from neo.executions.errors import CallNotFound, ExecutionNotFound
from neo.sessions import ChatMessage, ChatSession, is_readable
from neo.turns.models import ApprovalRequestRow, ChatTurn, ToolCallRow

# A word is looked for in so many messages at once: nothing indexes what they say. The next page goes on after them.
SEARCHED_MAX = 5_000


@dataclass(frozen=True)
class Execution:
    turn: ChatTurn
    session: ChatSession
    agent: Agent


class ExecutionStore:
    """A tenant's executions, as a caller may see them: those of sessions that the caller may read."""

    def __init__(self, db: AsyncSession, caller: Principal) -> None:
        self._db = db
        self._caller = caller

    async def get(self, execution_id: UUID) -> Execution:
        found = (await self._db.execute(self._owned().where(ChatTurn.id == execution_id))).one_or_none()
        if found is None or not is_readable(self._caller, found[1]):
            raise ExecutionNotFound("No such execution.")
        return Execution(*found)

    async def find_session(self, session_id: UUID) -> ChatSession | None:
        """A session whose executions the caller may read."""
        mine = (ChatSession.tenant_id == self._caller.tenant_id) & (ChatSession.id == session_id)
        found = await self._db.scalar(select(ChatSession).where(mine))
        return found if found is not None and is_readable(self._caller, found) else None

    async def call(self, execution_id: UUID, call_id: str) -> tuple[ToolCallRow, ApprovalRequestRow | None]:
        mine = (ToolCallRow.tenant_id == self._caller.tenant_id, ToolCallRow.turn_id == execution_id)
        wanted = (
            select(ToolCallRow, ApprovalRequestRow)
            .outerjoin(ApprovalRequestRow, ApprovalRequestRow.call_id == ToolCallRow.id)
            .where(*mine, ToolCallRow.id == call_id)
        )
        found = (await self._db.execute(wanted)).one_or_none()
        if found is None:
            raise CallNotFound("The execution has no such call.")
        return found[0], found[1]

    async def newest(
        self,
        rows_max: int,
        conditions: Sequence[ColumnElement[bool]],
        *,
        before: tuple[datetime, UUID] | None,
    ) -> list[Execution]:
        wanted = self._newest(conditions, before).limit(rows_max)
        return [Execution(*row) for row in (await self._db.execute(wanted)).all()]

    async def searched(
        self,
        rows_max: int,
        conditions: Sequence[ColumnElement[bool]],
        *,
        before: tuple[datetime, UUID] | None,
        said: str,
    ) -> tuple[list[Execution], tuple[datetime, UUID] | None]:
        """Those whose message has this text, among so many; and where these ended, if there may be others."""
        looked = self._newest(conditions, before).with_only_columns(ChatTurn.id).limit(SEARCHED_MAX)
        part = func.jsonb_array_elements(ChatMessage.parts).table_valued("value", joins_implicitly=True)
        text = func.jsonb_extract_path_text(part.c.value.cast(JSONB), "text")
        has_it = (
            select(ChatMessage.id)
            .where(
                ChatMessage.tenant_id == ChatTurn.tenant_id,
                ChatMessage.id == ChatTurn.user_message_id,
                text.icontains(said, autoescape=True),
            )
            .correlate(ChatTurn)
            .exists()
        )
        found = await self.newest(
            rows_max, [ChatTurn.id.in_(looked.scalar_subquery()), has_it], before=before
        )
        last = self._newest(conditions, before).offset(SEARCHED_MAX - 1).limit(1)
        end = (await self._db.execute(last)).one_or_none()
        return found, None if end is None else (end[0].created_at, end[0].id)

    def _newest(
        self, conditions: Sequence[ColumnElement[bool]], before: tuple[datetime, UUID] | None
    ) -> Select[ChatTurn, ChatSession, Agent]:
        wanted = self._owned().where(*conditions).order_by(ChatTurn.created_at.desc(), ChatTurn.id.desc())
        if not self._caller.sees_whole_tenant:
            wanted = wanted.where(ChatSession.is_of(self._caller))
        if before is not None:
            wanted = wanted.where(tuple_(ChatTurn.created_at, ChatTurn.id) < before)
        return wanted

    def _owned(self) -> Select[ChatTurn, ChatSession, Agent]:
        tenant_id = self._caller.tenant_id
        of_session = (ChatSession.tenant_id == tenant_id) & (ChatSession.id == ChatTurn.session_id)
        of_agent = (Agent.tenant_id == tenant_id) & (Agent.id == ChatSession.agent_id)
        return (
            select(ChatTurn, ChatSession, Agent)
            .join(ChatSession, of_session)
            .join(Agent, of_agent)
            .where(ChatTurn.tenant_id == tenant_id)
        )
