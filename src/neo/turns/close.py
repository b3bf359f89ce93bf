"""How a turn ends: in one transaction that also hands the session to its next turn."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import case, func, literal, update
from sqlalchemy.ext.asyncio import AsyncSession

from neo.db import Database
from neo.sessions import ChatSession, MessageStore, Role, SessionStore, message_position
from neo.telemetry import turn_metrics
from neo.turns.contract import TurnInput
from neo.turns.models import ChatTurn, TurnStatus
from neo.turns.patience import patiently
from neo.turns.start import TurnStarter
from neo.turns.store import TurnStore

log = structlog.get_logger()


@dataclass(frozen=True)
class Ending:
    """What is written when a turn ends. `pen` proves who ends it; `terminal_n` is where its events end."""

    status: TurnStatus
    pen: int
    terminal_n: int | None
    parts: list[dict[str, Any]] | None = None
    continues: dict[str, Any] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)


class TurnCloser:
    def __init__(self, database: Database, starter: TurnStarter) -> None:
        self._database = database
        self._starter = starter

    async def close(self, turn: TurnInput, ending: Ending) -> ChatTurn:
        """End the turn and let the next one begin; raises `Fenced` when someone else has ended it."""
        closed, following = await patiently(lambda: self._write(turn, ending))
        turn_metrics.ended(closed.status, closed.age_seconds)
        log.info(
            "turn_ended",
            turn_id=turn.turn_id,
            session_id=turn.session_id,
            status=closed.status,
            error_code=closed.error_code,
            total_ms=closed.total_ms,
        )
        if following is not None:
            self._starter.start_soon(following)
        return closed

    async def fail(self, turn: TurnInput, code: str, message: str) -> bool:
        """End as failed a turn that nobody works on; false when it has ended already."""
        record = {"error_code": code, "error_message": message}
        return await patiently(lambda: self._end_abandoned(turn, TurnStatus.FAILED, record))

    async def cancel(self, turn: TurnInput) -> bool:
        """End as cancelled a turn that was to stop and that nobody works on; false when it has ended already."""
        return await patiently(lambda: self._end_abandoned(turn, TurnStatus.CANCELLED, {}))

    async def _write(self, turn: TurnInput, ending: Ending) -> tuple[ChatTurn, TurnInput | None]:
        tenant_id, session_id, turn_id = UUID(turn.tenant_id), UUID(turn.session_id), UUID(turn.turn_id)
        async with self._database.transaction(tenant_id) as db:
            await SessionStore(db, tenant_id).lock(session_id)
            turns = TurnStore(db, tenant_id)
            values = {"status": _status(ending.status), "terminal_n": ending.terminal_n, **ending.record}
            closed = await turns.close(turn_id, ending.pen, **values)
            await _keep_reply(db, closed, ending)
            return closed, _input(await turns.find_first_open(session_id))

    async def _end_abandoned(self, turn: TurnInput, status: TurnStatus, record: dict[str, Any]) -> bool:
        tenant_id, session_id = UUID(turn.tenant_id), UUID(turn.session_id)
        async with self._database.transaction(tenant_id) as db:
            await SessionStore(db, tenant_id).lock(session_id)
            found = await TurnStore(db, tenant_id).get(session_id, UUID(turn.turn_id))
        if not found.is_open:
            return False
        # Whatever the last attempt said stays untold: a reader is told the turn anew, from PostgreSQL.
        await self.close(turn, Ending(status, found.pen, None, record=record))
        return True


def _status(wanted: TurnStatus) -> Any:
    """A cancel that was accepted holds, also when the answer was complete before it was heard."""
    if wanted is not TurnStatus.COMPLETED:
        return wanted
    asked = ChatTurn.cancel_requested_at.is_not(None)
    return case((asked, literal(TurnStatus.CANCELLED.value)), else_=literal(TurnStatus.COMPLETED.value))


async def _keep_reply(db: AsyncSession, turn: ChatTurn, ending: Ending) -> None:
    if ending.parts is not None:
        await MessageStore(db, turn.tenant_id).add(
            id=turn.reply_message_id,
            session_id=turn.session_id,
            turn_id=turn.id,
            position=message_position(turn.turn_no, Role.ASSISTANT),
            role=Role.ASSISTANT,
            parts=ending.parts,
        )
    mine = (ChatSession.tenant_id == turn.tenant_id) & (ChatSession.id == turn.session_id)
    await db.execute(update(ChatSession).where(mine).values(updated_at=func.now(), **ending.continues))


def _input(turn: ChatTurn | None) -> TurnInput | None:
    if turn is None:
        return None
    return TurnInput(str(turn.tenant_id), str(turn.session_id), str(turn.id))
