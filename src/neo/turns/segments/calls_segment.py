"""A CALLS segment: each call that the model asked for gets its outcome, or the turn waits for it."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from neo.calls import Artifacts
from neo.connections import TurnClients
from neo.db import Database, until_database_answers
from neo.events import Chunk, EventLog, Fenced, Position, SegmentWriter, envelope
from neo.stops import DispatchRules
from neo.turns.end import Ending
from neo.turns.leases.claim import Task, writer_of
from neo.turns.leases.lease import Lease
from neo.turns.models import ToolCallRow, TurnStatus
from neo.turns.segments.answer_call import Answer, answer_call, asked_for
from neo.turns.segments.driven_calls import DrivenCalls, is_driven
from neo.turns.segments.open_calls import OpenCall, begin_calls, read_open_calls
from neo.turns.segments.settle import FLUSH_SECONDS, Settled, Settler

# How long a request waits for a decision, before it expires.
DECISION_TIME = timedelta(hours=24)


class CallsSegment:
    def __init__(
        self,
        database: Database,
        events: EventLog,
        settler: Settler,
        artifacts: Artifacts,
        rules: DispatchRules,
    ) -> None:
        self._database = database
        self._events = events
        self._settler = settler
        self._driven = DrivenCalls(database, artifacts, rules, settler.draining)

    async def run(
        self, task: Task, lease: Lease, calls: Sequence[OpenCall], clients: TurnClients
    ) -> Settled | None:
        """Answer the calls as far as that can be done now, and settle what they have; None where the turn was cancelled
        meanwhile, and has ended. Raises `Fenced`, `RecordUnstorable` and `HandedOver`.
        """
        writer = writer_of(self._events, self._database, task)
        try:
            await writer.open()
            begun = await until_database_answers(lambda: self._begun(task, calls, writer.position))
            said = _Said(writer)
            try:
                return await self._answer(task, lease, begun, clients, said)
            except Fenced:
                # The answers are too late for the turn, and may tell what nobody knows.
                await self._driven.note_late(task, said.rows())
                raise
        finally:
            await writer.aclose()

    async def _answer(
        self, task: Task, lease: Lease, begun: Sequence[OpenCall], clients: TurnClients, said: "_Said"
    ) -> Settled | None:
        rows = [call for call, _ in begun if is_driven(call)]
        for call, request in begun:
            if is_driven(call):
                said.write(asked_for(call))
            else:
                said.tell(answer_call(call, request))
        if rows:
            await self._driven.run(task, lease, rows, clients, said.tell)
        said.write([envelope.finish_step()])
        if rows and lease.cancelled.is_set():
            await self._end_cancelled(task, said.writer, said)
            return None
        return await self._settle(task, said.writer, said)

    async def _settle(self, task: Task, writer: SegmentWriter, said: "_Said") -> Settled:
        last, waiting = said.segment(), None
        if waits := [answer for answer in said.answers if answer.is_awaited]:
            # A stream that is lost before gives the writer another claim, and the cursor with it.
            await writer.flush(FLUSH_SECONDS)
            position = writer.position
            waiting = _waiting(waits, str(position._replace(n=position.n + 1)))
            last["waiting"] = waiting.wire()
        return await self._settler.settle(task, writer, last, done=said.rows(), waiting=waiting)

    async def _end_cancelled(self, task: Task, writer: SegmentWriter, said: "_Said") -> None:
        """End the turn with what its calls have come to."""
        ending = Ending(TurnStatus.CANCELLED, record={"finish_reason": "cancelled"})
        await self._settler.end(task, writer, ending, {**said.segment(), "done": said.rows()})

    async def _begun(self, task: Task, calls: Sequence[OpenCall], position: Position) -> Sequence[OpenCall]:
        """The calls, of which those that the turn will wait for are begun: whoever sees that a call waits may decide
        about it at once.
        """
        begun = [_beginning(call) for call, _ in calls if call.status == "PLANNED" and _waits(call)]
        if not begun:
            return calls
        await begin_calls(self._database, task.turn, position, begun)
        return await read_open_calls(self._database, task.turn)


class _Said:
    """What a segment tells of its calls, to readers at once, and once more to those who read it later."""

    def __init__(self, writer: SegmentWriter) -> None:
        self.writer = writer
        self._replay: list[dict[str, Any]] = []
        self.answers: list[Answer] = []

    def tell(self, answer: Answer) -> None:
        self.answers.append(answer)
        self.write(answer.chunks)

    def write(self, chunks: Iterable[Chunk]) -> None:
        for chunk in chunks:
            self.writer.write(chunk)
            self._replay.append(chunk.wire())

    def rows(self) -> list[dict[str, Any]]:
        return [answer.row() for answer in self.answers]

    def segment(self) -> dict[str, Any]:
        return {"kind": "CALLS", "replay": self._replay}


def _waits(call: ToolCallRow) -> bool:
    return call.gate == "APPROVAL" or call.runs_apart


def _beginning(call: ToolCallRow) -> dict[str, Any]:
    row: dict[str, Any] = {"id": call.id}
    if call.gate == "APPROVAL":
        row |= {"request_id": uuid4(), "expires_at": datetime.now(UTC) + DECISION_TIME}
    return row


def _waiting(waits: Sequence[Answer], cursor: str) -> Chunk:
    until = min((answer.until for answer in waits if answer.until is not None), default=None)
    return envelope.turn_waiting(
        {
            "waiting_for": "CALL" if until is None else "APPROVAL",
            "calls": [answer.call_id for answer in waits],
            "until": until and until.isoformat(),
            "cursor": cursor,
        }
    )
