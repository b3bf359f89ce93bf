from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, Update, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from neo.turns.errors import TurnNotFound
from neo.turns.models import OPEN, ChatTurn, ToolCallRow, TurnStatus


class TurnStore:
    """A tenant's turns. Whoever queues or ends one locks its session first."""

    def __init__(self, db: AsyncSession, tenant_id: UUID) -> None:
        self._db = db
        self._tenant_id = tenant_id

    async def get(self, session_id: UUID, turn_id: UUID) -> ChatTurn:
        found = await self._db.scalar(self._in(session_id).where(ChatTurn.id == turn_id))
        if found is None:
            raise TurnNotFound("No such turn in this session.")
        return found

    async def lock(self, session_id: UUID, turn_id: UUID) -> ChatTurn:
        """The turn, locked until the commit: an attempt that begins it waits, and then sees what was decided."""
        found = await self._db.scalar(self._in(session_id).where(ChatTurn.id == turn_id).with_for_update())
        if found is None:
            raise TurnNotFound("No such turn in this session.")
        return found

    async def find_by_no(self, session_id: UUID, turn_no: int) -> ChatTurn | None:
        return await self._db.scalar(self._in(session_id).where(ChatTurn.turn_no == turn_no))

    async def find_newest(self, session_id: UUID) -> ChatTurn | None:
        return await self._db.scalar(self._in(session_id).order_by(ChatTurn.turn_no.desc()).limit(1))

    async def find_first_open(self, session_id: UUID) -> ChatTurn | None:
        """The turn that runs, or is to run next."""
        wanted = self._in(session_id).where(ChatTurn.status.in_(OPEN)).order_by(ChatTurn.turn_no).limit(1)
        return await self._db.scalar(wanted)

    async def by_ids(self, session_id: UUID, turn_ids: set[UUID]) -> dict[UUID, ChatTurn]:
        found = await self._db.scalars(self._in(session_id).where(ChatTurn.id.in_(turn_ids)))
        return {turn.id: turn for turn in found}

    async def is_driven(self, turn_id: UUID) -> bool:
        """Whether somebody has its lease."""
        has_lease = ChatTurn.lease_id.is_not(None) & (ChatTurn.claimable_at > func.clock_timestamp())
        wanted = select(has_lease).where(ChatTurn.tenant_id == self._tenant_id, ChatTurn.id == turn_id)
        return bool(await self._db.scalar(wanted))

    async def request_cancel(self, turn_id: UUID) -> None:
        """Have a running turn stopped: from now on it ends as cancelled, even if its answer is complete
        before that.
        """
        asked = func.coalesce(ChatTurn.cancel_requested_at, func.clock_timestamp())
        running = self._change(turn_id).where(ChatTurn.status == TurnStatus.RUNNING)
        await self._db.execute(running.values(cancel_requested_at=asked))

    async def unsettled_calls(self, turn_ids: Sequence[UUID]) -> Sequence[ToolCallRow]:
        """Calls that have left and may have had their effect: nobody knows, or nobody knows yet."""
        in_doubt = (ToolCallRow.status == "RUNNING") | (
            (ToolCallRow.status == "UNKNOWN") & ToolCallRow.resolution.is_(None)
        )
        wanted = (
            select(ToolCallRow)
            .where(ToolCallRow.tenant_id == self._tenant_id, ToolCallRow.turn_id.in_(turn_ids), in_doubt)
            .where(ToolCallRow.effect.is_distinct_from("READ"))
            .order_by(ToolCallRow.turn_id, ToolCallRow.segment, ToolCallRow.position)
        )
        return (await self._db.scalars(wanted)).all()

    async def lock_open(self, session_id: UUID) -> Sequence[ChatTurn]:
        wanted = self._in(session_id).where(ChatTurn.status.in_(OPEN)).order_by(ChatTurn.turn_no)
        return (await self._db.scalars(wanted.with_for_update())).all()

    def _change(self, turn_id: UUID) -> Update:
        return update(ChatTurn).where(ChatTurn.tenant_id == self._tenant_id, ChatTurn.id == turn_id)

    def _in(self, session_id: UUID) -> Select[ChatTurn]:
        return select(ChatTurn).where(
            ChatTurn.tenant_id == self._tenant_id, ChatTurn.session_id == session_id
        )
