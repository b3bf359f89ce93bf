"""How an attempt ends its turn: completed, failed or cancelled."""

from typing import Any

from neo.events import envelope
from neo.kit import reached
from neo.telemetry import traces
from neo.turns.attempt import Attempt
from neo.turns.end import Ending, TurnEnder
from neo.turns.models import TurnStatus
from neo.turns.render import terminal_chunk

# Before a turn ends, its events should be in the stream; while Valkey is away the turn does not wait for it.
FLUSH_SECONDS = 1.0
CANCELLED = "cancelled"


class Outcomes:
    """Each outcome is stored first, and only then appended to the stream: whoever has read the end finds the
    reply.
    """

    def __init__(self, ender: TurnEnder) -> None:
        self._ender = ender

    async def complete(self, attempt: Attempt) -> None:
        chosen, completed = attempt.chosen, attempt.completed
        if chosen is None or completed is None:
            raise RuntimeError("The model's output ended without saying so.")
        attempt.writer.write(envelope.finish_step())
        record = {
            **attempt.record(),
            "finish_reason": completed.finish_reason,
            "model": completed.model,
            "input_tokens": completed.input_tokens,
            "output_tokens": completed.output_tokens,
            "cached_tokens": completed.cached_tokens,
        }
        # A provider's response that waits for a tool's output cannot be continued without it.
        can_continue = chosen.continues and not attempt.renderer.has_tool_call
        continues = attempt.continues(completed.response_id if can_continue else None)
        await self._end(attempt, TurnStatus.COMPLETED, record, attempt.renderer.parts, continues)

    async def fail(self, attempt: Attempt, code: str, message: str) -> None:
        record = {**attempt.record(), "error_code": code, "error_message": message}
        await self._end(attempt, TurnStatus.FAILED, record)

    async def cancel(self, attempt: Attempt) -> None:
        """What the model has said so far is kept if it has any text."""
        attempt.renderer.end_part()
        kept = attempt.renderer.parts if attempt.renderer.has_text else None
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
        is_appended = await writer.flush(FLUSH_SECONDS)
        position = writer.position
        # Where Valkey has not taken all events, the stream gets no end, and readers get it from PostgreSQL.
        terminal_n = position.n + 1 if is_appended else None
        ending = Ending(status, position.claim, terminal_n, parts, continues, record)
        await reached("before_end")
        with traces.span("end turn", neo__status=status.value):
            ended = await self._ender.end(attempt.turn, ending)
        await reached("after_end")
        await writer.end(terminal_chunk(ended))
        await reached("after_terminal")
