"""Runs the calls of a segment that its driver runs itself, and tells readers of each as it ends."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from neo.calls import (
    Artifacts,
    Call,
    CallRoom,
    CallRun,
    Ended,
    Holding,
    Probe,
    Stops,
    characters_each,
    key_argument_of,
    run_beside,
)
from neo.connections import Effect, TurnClients
from neo.db import Database, record_json
from neo.stops import DispatchRules
from neo.turns.errors import HandedOver
from neo.turns.leases.claim import Task
from neo.turns.leases.lease import Lease
from neo.turns.models import ToolCallRow
from neo.turns.segments.answer_call import Answer, outcome_chunk

# Where a row does not say it.
CALL_SECONDS = 30
# How long a call with an effect may still answer once its turn is to stop.
LAST_ANSWER_SECONDS = 5.0


def is_driven(call: ToolCallRow) -> bool:
    """Whether the turn's driver runs it, or sees to what another has left of it."""
    return call.connection_id is not None and call.outcome is None and call.gate == "AUTO"


@dataclass(frozen=True)
class DrivenCalls:
    database: Database
    artifacts: Artifacts
    rules: DispatchRules
    draining: asyncio.Event
    room: CallRoom = field(default_factory=CallRoom)

    async def run(
        self,
        task: Task,
        lease: Lease,
        rows: Sequence[ToolCallRow],
        clients: TurnClients,
        tell: Callable[[Answer], None],
    ) -> None:
        """`tell` is given each answer as it comes. Raises `Fenced`, `RecordUnstorable`, and `HandedOver` where the
        process drains and calls are left.
        """
        by_id = {row.id: row for row in rows}
        turn = task.turn
        holding = Holding(
            self.database,
            turn.tenant_id,
            turn.id,
            task.lease_id,
            turn.segment,
            self.rules,
            lambda: turn.claim,
        )
        left = set(by_id)

        async def run_one(call: Call) -> None:
            ended = await running.run(call)
            if ended is None:
                return
            left.discard(call.id)
            if left:
                # What ends last is stored with its segment, in the same moment.
                await holding.note(call.id, ended)
            tell(_answer(by_id[call.id], ended))

        async with _stops(lease.cancelled, self.draining) as stops:
            probe = Probe(self.database, turn.tenant_id)
            characters, company = characters_each(len(rows)), task.session.end_company_id
            running = CallRun(holding, clients, self.artifacts, probe, stops, self.room, characters, company)
            await run_beside([_call(row) for row in rows], run_one)
        if left:
            raise HandedOver

    async def note_late(self, task: Task, rows: Sequence[dict[str, Any]]) -> None:
        """What somebody who was fenced knows of the calls."""
        turn = task.turn
        mine = (turn.tenant_id, turn.id, task.lease_id, turn.segment, turn.claim)
        await self.database.call("neo_note_outcomes", *mine, record_json(rows))


@asynccontextmanager
async def _stops(cancelled: asyncio.Event, draining: asyncio.Event) -> AsyncIterator[Stops]:
    later = asyncio.Event()

    async def wait() -> None:
        await cancelled.wait()
        await asyncio.sleep(LAST_ANSWER_SECONDS)
        later.set()

    waiting = asyncio.create_task(wait())
    try:
        yield Stops(cancelled, later, draining)
    finally:
        waiting.cancel()


def _answer(row: ToolCallRow, ended: Ended) -> Answer:
    return Answer(row.id, ended.status, [outcome_chunk(row, ended.outcome)], ended.outcome, ended=ended)


def _call(row: ToolCallRow) -> Call:
    assert row.connection_id is not None  # noqa: S101 - a call that is run here has one.
    return Call(
        id=row.id,
        connection_id=row.connection_id,
        tool_name=row.tool_name or "",
        arguments=row.arguments,
        effect=Effect(row.effect or Effect.WRITE),
        seconds=float(row.timeout_seconds or CALL_SECONDS),
        key=row.key or row.id,
        key_argument=key_argument_of(row.keyed_by, row.key_argument),
        probe_tool=row.probe_tool,
        is_untrusted=row.is_untrusted,
        is_running=row.status == "RUNNING",
        attempts=row.attempts,
        dispatched_at=row.dispatched_at,
    )
