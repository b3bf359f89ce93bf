"""A CALLS segment: each call that the model asked for gets its outcome, or the turn waits for it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from neo.db import Database, until_database_answers
from neo.events import Chunk, EventLog, Position, envelope
from neo.turns.leases.claim import Task, writer_of
from neo.turns.models import ToolCallRow
from neo.turns.segments.answer_call import Answer, answer_call
from neo.turns.segments.open_calls import OpenCall, begin_calls, read_open_calls
from neo.turns.segments.settle import FLUSH_SECONDS, Settled, Settler

# How long a request waits for a decision, before it expires.
DECISION_TIME = timedelta(hours=24)


class CallsSegment:
    def __init__(self, database: Database, events: EventLog, settler: Settler) -> None:
        self._database = database
        self._events = events
        self._settler = settler

    async def run(self, task: Task, calls: Sequence[OpenCall]) -> Settled:
        """Answer the calls as far as that can be done now, and settle what they have; raises `Fenced`."""
        writer = writer_of(self._events, self._database, task)
        try:
            await writer.open()
            begun = await until_database_answers(lambda: self._begun(task, calls, writer.position))
            answers = [answer_call(call, request) for call, request in begun]
            chunks = [chunk for answer in answers for chunk in answer.chunks] + [envelope.finish_step()]
            for chunk in chunks:
                writer.write(chunk)
            waits = [answer for answer in answers if answer.is_awaited]
            last: dict[str, Any] = {"kind": "CALLS", "replay": [chunk.wire() for chunk in chunks]}
            waiting = None
            if waits:
                # A stream that is lost before gives the writer another claim, and the cursor with it.
                await writer.flush(FLUSH_SECONDS)
                position = writer.position
                waiting = _waiting(waits, str(position._replace(n=position.n + 1)))
                last["waiting"] = waiting.wire()
            done = [_row(answer) for answer in answers]
            return await self._settler.settle(task, writer, last, done=done, waiting=waiting)
        finally:
            await writer.aclose()

    async def _begun(self, task: Task, calls: Sequence[OpenCall], position: Position) -> Sequence[OpenCall]:
        """The calls, of which those that the turn will wait for are begun: whoever sees that a call waits may decide
        about it at once.
        """
        begun = [_beginning(call) for call, _ in calls if call.status == "PLANNED" and _waits(call)]
        if not begun:
            return calls
        await begin_calls(self._database, task.turn, position, begun)
        return await read_open_calls(self._database, task.turn)


def _waits(call: ToolCallRow) -> bool:
    return call.gate == "APPROVAL" or call.runs_apart


def _beginning(call: ToolCallRow) -> dict[str, Any]:
    row: dict[str, Any] = {"id": call.id}
    if call.gate == "APPROVAL":
        row |= {"request_id": uuid4(), "expires_at": datetime.now(UTC) + DECISION_TIME}
    return row


def _row(answer: Answer) -> dict[str, Any]:
    return {"id": answer.call_id, "status": answer.status, "outcome": answer.outcome}


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
