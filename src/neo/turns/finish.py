"""The three ways in which an attempt ends its turn."""

from typing import Any

from neo.events import envelope
from neo.kit import reached
from neo.telemetry import traces
from neo.turns.attempt import Attempt
from neo.turns.close import TurnCloser
from neo.turns.closing import Ending
from neo.turns.models import TurnStatus
from neo.turns.tell import terminal_chunk

# Before a turn is closed, its events should be out; while Valkey is away the turn does not wait for it.
FLUSH_SECONDS = 1.0
CANCELLED = "cancelled"


class Finisher:
    def __init__(self, closer: TurnCloser) -> None:
        self._closer = closer

    async def complete(self, attempt: Attempt) -> None:
        chosen, completed = attempt.chosen, attempt.completed
        if chosen is None or completed is None:
            raise RuntimeError("The model's pieces ended without saying so.")
        attempt.writer.say(envelope.finish_step())
        record = {
            **attempt.record(),
            "finish_reason": completed.finish_reason,
            "model": completed.model,
            "input_tokens": completed.input_tokens,
            "output_tokens": completed.output_tokens,
            "cached_tokens": completed.cached_tokens,
        }
        # A response that waits for a tool's output cannot be gone on from without it.
        goes_on = chosen.continues and not attempt.teller.has_tool_call
        continues = attempt.continues(completed.response_id if goes_on else None)
        await self._end(attempt, TurnStatus.COMPLETED, record, attempt.teller.parts, continues)

    async def fail(self, attempt: Attempt, code: str, message: str) -> None:
        record = {**attempt.record(), "error_code": code, "error_message": message}
        await self._end(attempt, TurnStatus.FAILED, record)

    async def cancel(self, attempt: Attempt) -> None:
        """What was said so far is kept, if it is anything that can be read."""
        attempt.teller.end_part()
        kept = attempt.teller.parts if attempt.teller.has_text else None
        record = {**attempt.record(), "finish_reason": CANCELLED if kept else None}
        await self._end(attempt, TurnStatus.CANCELLED, record, kept, attempt.continues(None))

    async def _end(
        self,
        attempt: Attempt,
        status: TurnStatus,
        record: dict[str, Any],
        parts: list[dict[str, Any]] | None = None,
        continues: dict[str, Any] | None = None,
    ) -> None:
        writer = attempt.writer
        is_told = await writer.flush(FLUSH_SECONDS)
        position = writer.position
        # Where Valkey could not take it all, the stream has no end, and readers are told from PostgreSQL.
        terminal_n = position.n + 1 if is_told else None
        ending = Ending(status, position.pen, terminal_n, parts, continues, record)
        await reached("before_close")
        with traces.span("close turn", neo__status=status.value):
            closed = await self._closer.close(attempt.turn, ending)
        await reached("after_close")
        await writer.end(terminal_chunk(closed))
        await reached("after_terminal")
