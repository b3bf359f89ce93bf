"""How a turn ends: in one transaction that also hands the session to its next turn."""

from typing import Any
from uuid import UUID

import structlog

from neo.db import Database
from neo.sessions import SessionStore
from neo.telemetry import turn_metrics
from neo.turns.closing import Ending, write_ending
from neo.turns.contract import TurnInput
from neo.turns.models import ChatTurn, TurnStatus
from neo.turns.patience import patiently
from neo.turns.start import TurnStarter
from neo.turns.store import TurnStore

log = structlog.get_logger()


class TurnCloser:
    def __init__(self, database: Database, starter: TurnStarter) -> None:
        self._database = database
        self._starter = starter

    async def close(self, turn: TurnInput, ending: Ending) -> ChatTurn:
        """End the turn and let the next one begin; raises `Fenced` when someone else has ended it."""
        closed, following = await patiently(lambda: write_ending(self._database, turn, ending))
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
