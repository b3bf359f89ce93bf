"""How a segment ends: it is settled and the turn goes on, or the turn ends with it.

Each is stored first, and only then appended to the stream: whoever has read the end finds the reply.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from neo.db import Database, record_json, storing, until_database_answers
from neo.events import Chunk, Fenced, SegmentWriter
from neo.kit import reached
from neo.telemetry import traces
from neo.turns.end import Ending, TurnEnder
from neo.turns.leases.claim import LEASE, Task
from neo.turns.render import terminal_chunk

log = structlog.get_logger()

# Before a segment is settled, its events should be in the stream; while Valkey is away the turn does not wait for it.
FLUSH_SECONDS = 1.0


@dataclass(frozen=True)
class Settled:
    """How the turn stands once a segment is settled."""

    status: str
    segment: int
    claim: int


class Settler:
    def __init__(self, database: Database, ender: TurnEnder) -> None:
        self._database = database
        self._ender = ender
        self.draining = asyncio.Event()

    def drain(self) -> None:
        """From now on no segment is begun after the one that is written."""
        self.draining.set()

    async def settle(
        self,
        task: Task,
        writer: SegmentWriter,
        last: dict[str, Any],
        *,
        planned: list[dict[str, Any]] | None = None,
        done: list[dict[str, Any]] | None = None,
        waiting: Chunk | None = None,
    ) -> Settled:
        """Settle the segment, and have the task go on with the next; raises `Fenced` or `RecordUnstorable`."""
        await writer.flush(FLUSH_SECONDS)
        position = writer.position
        lease: timedelta | None = None if self.draining.is_set() else LEASE
        turn = task.turn
        values = (turn.tenant_id, turn.id, task.lease_id, position.segment, position.claim)
        segment = record_json({**last, "last_n": position.n})
        rows = (segment, record_json(planned or []), record_json(done or []), lease)
        await reached("before_settle")
        with storing():
            found = await until_database_answers(
                lambda: self._database.call("neo_settle_segment", *values, *rows)
            )
        await reached("after_settle")
        if not found:
            raise Fenced("The turn has ended, or somebody else has claimed it.")
        settled = Settled(found[0]["status"], found[0]["segment"], found[0]["claim"])
        if settled.status == "WAITING" and waiting is not None:
            await writer.end(waiting)
            position = position._replace(n=position.n + 1)
        task.step += last["kind"] == "MODEL"
        task.go_on(settled.segment, settled.claim, position)
        return settled

    async def end(
        self, task: Task, writer: SegmentWriter, ending: Ending, last: dict[str, Any] | None = None
    ) -> None:
        """End the turn with this segment, or without it; raises `Fenced` or `RecordUnstorable`."""
        await writer.flush(FLUSH_SECONDS)
        position = writer.position
        if last is not None:
            last = {**last, "last_n": position.n}
        await reached("before_end")
        with traces.span("end turn", neo__status=ending.status.value):
            ended = await self._ender.end(task.named, ending.at(position, last))
        await reached("after_end")
        await writer.end(terminal_chunk(ended))
        await reached("after_terminal")
