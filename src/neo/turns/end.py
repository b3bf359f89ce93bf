"""How a turn ends: one database function writes the end, and makes the session's next turn claimable."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog
from asyncpg import Record
from sqlalchemy.ext.asyncio import AsyncSession

from neo.db import Database, call_within, record_json, storing, until_database_answers
from neo.events import EventLog, Fenced, Position
from neo.sessions import SessionStore
from neo.telemetry import turn_metrics
from neo.turns.models import ChatTurn, TurnStatus
from neo.turns.store import TurnStore
from neo.turns.temporal.contract import TurnInput

log = structlog.get_logger()


@dataclass(frozen=True)
class Ending:
    """What is written when a turn ends. (`segment`, `claim`) proves who ends it; `terminal_n` is the number of its
    terminal envelope, or None where nobody writes that into the stream.

    `last` is the segment that is settled with it; `continues` is the provider's response to go on from, where that
    changes.
    """

    status: TurnStatus
    segment: int = 0
    claim: int = 0
    terminal_n: int | None = None
    last: dict[str, Any] | None = None
    continues: dict[str, Any] | None = None
    record: dict[str, Any] = field(default_factory=dict)

    def at(self, position: Position, last: dict[str, Any] | None) -> "Ending":
        """The same, by the writer whose last event is there."""
        return replace(
            self, segment=position.segment, claim=position.claim, terminal_n=position.n + 1, last=last
        )

    @classmethod
    def unwritten(cls, status: TurnStatus, turn: ChatTurn, record: dict[str, Any] | None = None) -> "Ending":
        """The end of a turn that nobody writes into the stream. What it has settled is its reply."""
        record = dict(record or {})
        if status is TurnStatus.CANCELLED and turn.segment > 1:
            record["finish_reason"] = "cancelled"
        return cls(status, turn.segment, turn.claim, record=record)


class TurnEnder:
    def __init__(self, database: Database, events: EventLog) -> None:
        self._database = database
        self._events = events

    async def end(self, turn: TurnInput, ending: Ending) -> ChatTurn:
        """End the turn; raises `Fenced` when it has ended, or somebody else has claimed it, and `RecordUnstorable`."""
        with storing():
            ended = await until_database_answers(lambda: _write(self._database, turn, ending))
        turn_metrics.ended(ended.status, age_seconds(ended))
        log.info(
            "turn_ended",
            turn_id=turn.turn_id,
            session_id=turn.session_id,
            status=ended.status,
            error_code=ended.error_code,
            total_ms=ended.total_ms,
        )
        return ended

    async def end_unwritten(
        self, turn: TurnInput, status: TurnStatus, record: dict[str, Any] | None = None
    ) -> bool:
        """End a turn that nobody writes into the stream; false when it has ended already. Raises `Fenced`."""
        found = await until_database_answers(lambda: self._find(turn))
        if not found.is_open:
            return False
        # What the last attempt streamed counts for nothing: readers get the end from PostgreSQL.
        await self.end(turn, Ending.unwritten(status, found, record))
        await self._events.wake_readers(turn.session_id)
        return True

    async def _find(self, turn: TurnInput) -> ChatTurn:
        tenant_id, session_id = UUID(turn.tenant_id), UUID(turn.session_id)
        async with self._database.transaction(tenant_id) as db:
            await SessionStore(db, tenant_id).lock(session_id)
            return await TurnStore(db, tenant_id).get(session_id, UUID(turn.turn_id))


def age_seconds(turn: ChatTurn) -> float:
    """From the message's acceptance to the turn's end, or to now."""
    return max(0.0, ((turn.ended_at or datetime.now(UTC)) - turn.created_at).total_seconds())


async def end_within(db: AsyncSession, turn: TurnInput, ending: Ending) -> ChatTurn:
    """End the turn together with what else this transaction decides; raises `Fenced` as `TurnEnder.end` does."""
    return _ended(await call_within(db, "neo_end_turn", *_values(turn, ending)))


async def _write(database: Database, turn: TurnInput, ending: Ending) -> ChatTurn:
    return _ended(await database.call("neo_end_turn", *_values(turn, ending)))


def _values(turn: TurnInput, ending: Ending) -> tuple[object, ...]:
    return (
        UUID(turn.tenant_id),
        UUID(turn.session_id),
        UUID(turn.turn_id),
        ending.segment,
        ending.claim,
        ending.status.value,
        ending.terminal_n,
        _json(ending.record),
        _json(ending.last),
        _json(ending.continues),
    )


def _ended(rows: Sequence[Record]) -> ChatTurn:
    if not rows:
        raise Fenced("The turn has ended, or somebody else has claimed it.")
    return ChatTurn(**rows[0])


def _json(value: Any) -> str | None:
    return None if value is None else record_json(value)
