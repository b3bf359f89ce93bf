"""How a turn ends: one database function writes its end, however it ends, and names the session's next turn,
which is started then.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
import structlog
from asyncpg import Record
from sqlalchemy.ext.asyncio import AsyncSession

from neo.db import Database, call_within
from neo.events import Fenced
from neo.sessions import SessionStore
from neo.telemetry import turn_metrics
from neo.turns.models import ChatTurn, TurnStatus
from neo.turns.retry import until_database_answers
from neo.turns.starting.start import TurnStarter
from neo.turns.store import TurnStore
from neo.turns.temporal.contract import TurnInput

log = structlog.get_logger()


@dataclass(frozen=True)
class Ending:
    """What is written when a turn ends. `claim` proves who ends it; `terminal_n` is the number of its last
    event, or None where readers get the end from PostgreSQL.

    `parts` is the reply, where it is kept; `continues` is the provider's response to go on from, where that
    changes.
    """

    status: TurnStatus
    claim: int
    terminal_n: int | None
    parts: list[dict[str, Any]] | None = None
    continues: dict[str, Any] | None = None
    record: dict[str, Any] = field(default_factory=dict)


class TurnEnder:
    def __init__(self, database: Database, starter: TurnStarter) -> None:
        self._database = database
        self._starter = starter

    async def end(self, turn: TurnInput, ending: Ending) -> ChatTurn:
        """End the turn and start the session's next one; raises `Fenced` when someone else has ended it."""
        ended, following = await until_database_answers(lambda: _write(self._database, turn, ending))
        turn_metrics.ended(ended.status, ended.age_seconds)
        log.info(
            "turn_ended",
            turn_id=turn.turn_id,
            session_id=turn.session_id,
            status=ended.status,
            error_code=ended.error_code,
            total_ms=ended.total_ms,
        )
        if following is not None:
            self._starter.start_soon(following)
        return ended

    async def fail_abandoned(self, turn: TurnInput, code: str, message: str) -> bool:
        """End as failed a turn that nobody runs; false when it has ended already."""
        record = {"error_code": code, "error_message": message}
        return await until_database_answers(lambda: self._end_abandoned(turn, TurnStatus.FAILED, record))

    async def cancel_abandoned(self, turn: TurnInput) -> bool:
        """End as cancelled a turn that nobody runs; false when it has ended already."""
        return await until_database_answers(lambda: self._end_abandoned(turn, TurnStatus.CANCELLED, {}))

    async def _end_abandoned(self, turn: TurnInput, status: TurnStatus, record: dict[str, Any]) -> bool:
        tenant_id, session_id = UUID(turn.tenant_id), UUID(turn.session_id)
        async with self._database.transaction(tenant_id) as db:
            await SessionStore(db, tenant_id).lock(session_id)
            found = await TurnStore(db, tenant_id).get(session_id, UUID(turn.turn_id))
        if not found.is_open:
            return False
        # What the last attempt streamed counts for nothing: readers get the turn from PostgreSQL instead.
        await self.end(turn, Ending(status, found.claim, None, record=record))
        return True


async def end_within(db: AsyncSession, turn: TurnInput, ending: Ending) -> ChatTurn:
    """End the turn together with what else this transaction decides; raises `Fenced` as `TurnEnder.end` does."""
    ended, _ = _ended(turn, await call_within(db, "neo_end_turn", *_values(turn, ending)))
    return ended


async def _write(database: Database, turn: TurnInput, ending: Ending) -> tuple[ChatTurn, TurnInput | None]:
    return _ended(turn, await database.call("neo_end_turn", *_values(turn, ending)))


def _values(turn: TurnInput, ending: Ending) -> tuple[object, ...]:
    return (
        UUID(turn.tenant_id),
        UUID(turn.session_id),
        UUID(turn.turn_id),
        ending.claim,
        ending.status.value,
        ending.terminal_n,
        _json(ending.record),
        _json(ending.parts),
        _json(ending.continues),
    )


def _ended(turn: TurnInput, rows: Sequence[Record]) -> tuple[ChatTurn, TurnInput | None]:
    """The turn as it ended, and the session's next turn."""
    if not rows:
        raise Fenced("The turn has ended, or another attempt has taken it over.")
    values = dict(rows[0])
    following_id = values.pop("following_id")
    following = TurnInput(turn.tenant_id, turn.session_id, str(following_id)) if following_id else None
    return ChatTurn(**values), following


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
