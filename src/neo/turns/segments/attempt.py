"""One attempt at a MODEL segment: what the model has answered, and what becomes of it: the segment is settled with
calls, or the turn ends with it.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from neo.calls import plan_calls
from neo.events import SegmentWriter, envelope
from neo.kit import as_digits
from neo.llm import ChosenModel, Completed
from neo.telemetry import turn_metrics
from neo.toolbox import callable_names
from neo.turns.end import Ending, age_seconds
from neo.turns.leases.claim import Task
from neo.turns.leases.lease import Lease
from neo.turns.models import TurnStatus
from neo.turns.render import Renderer
from neo.turns.segments.rounds import SettledRounds
from neo.turns.segments.settle import Settled, Settler

CANCELLED = "cancelled"
# An event's id has 10 bits for the segment.
SEGMENTS_MAX = 1_000


@dataclass
class Attempt:
    task: Task
    lease: Lease
    writer: SegmentWriter
    renderer: Renderer
    # What the turn's segments before this one have settled.
    settled: SettledRounds = field(default_factory=SettledRounds)
    chosen: ChosenModel | None = None
    omitted_messages: int = 0
    completed: Completed | None = None

    def note_first_token(self) -> None:
        turn = self.task.turn
        if turn.first_token_ms is None:
            seconds = age_seconds(turn)
            turn.first_token_ms = milliseconds(seconds)
            turn_metrics.first_token(seconds)

    @property
    def cost(self) -> Decimal | None:
        """In the operator's currency; None: not known."""
        price, completed = self.chosen.price if self.chosen else None, self.completed
        if price is None or completed is None:
            return None
        return price.cost(
            input_tokens=completed.input_tokens,
            output_tokens=completed.output_tokens,
            cached_tokens=completed.cached_tokens,
        )

    def count_cost(self) -> None:
        """In the metrics, once the segment is settled."""
        if self.chosen is not None and self.cost is not None:
            turn_metrics.model_cost(self.chosen.provider, self.chosen.name, float(self.cost))

    def record(self) -> dict[str, Any]:
        """Of the turn, as far as this segment knows."""
        chosen, completed = self.chosen, self.completed
        return {
            "provider": chosen.provider if chosen else None,
            "region": chosen.region if chosen else None,
            "model": completed.model if completed else chosen.name if chosen else None,
            "first_token_ms": self.task.turn.first_token_ms,
            "total_ms": milliseconds(age_seconds(self.task.turn)),
            "omitted_messages": self.omitted_messages,
        }

    def segment(self) -> dict[str, Any]:
        """The row of the settled segment, but for where its events end."""
        chosen, completed = self.chosen, self.completed
        return {
            "kind": "MODEL",
            "parts": self.renderer.parts,
            "provider": chosen.provider if chosen else None,
            "region": chosen.region if chosen else None,
            "model": completed.model if completed else None,
            "response_id": completed.response_id if completed else None,
            "finish_reason": completed.finish_reason if completed else None,
            "input_tokens": completed.input_tokens if completed else None,
            "output_tokens": completed.output_tokens if completed else None,
            "cached_tokens": completed.cached_tokens if completed else None,
            "cost": None if self.cost is None else as_digits(self.cost),
            "first_token_ms": self.task.turn.first_token_ms,
            "carried": self._carried(),
        }

    def _carried(self) -> list[Any] | None:
        carried = [call.carried for call in self.renderer.calls]
        return carried if any(carried) else None

    def continues(self, response_id: str | None) -> dict[str, Any]:
        """The provider's response that the session's next turn continues; without one it sends the transcript."""
        chosen = self.chosen
        return {
            "provider": chosen.provider if chosen else None,
            "region": chosen.region if chosen else None,
            "response_id": response_id,
        }


def milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


class Answered:
    def __init__(self, settler: Settler) -> None:
        self._settler = settler

    async def settle(self, attempt: Attempt) -> Settled | None:
        """Go on with the calls that the answer asks for. Without any, the turn is completed."""
        chosen, completed = attempt.chosen, attempt.completed
        if chosen is None or completed is None:
            raise RuntimeError("The model's output ended without saying so.")
        if attempt.renderer.calls and not attempt.settled.is_over and _have_room(attempt):
            offered = attempt.task.offered or ()
            names = callable_names(offered, attempt.settled.rounds)
            planned = plan_calls(attempt.renderer.calls, chosen, offered, attempt.settled.past, names)
            # Whatever the provider says: its step ends with the calls, in the stream and in a replay.
            segment = {**attempt.segment(), "finish_reason": "tool-calls"}
            settled = await self._settler.settle(attempt.task, attempt.writer, segment, planned=planned)
            attempt.count_cost()
            return settled
        attempt.writer.write(envelope.finish_step())
        # A provider's response that waits for a tool's output cannot be continued without it.
        can_continue = chosen.continues and not attempt.renderer.calls
        continues = attempt.continues(completed.response_id if can_continue else None)
        reason = completed.finish_reason
        if reason == "tool-calls":
            reason = "other"
        record = {**attempt.record(), "finish_reason": reason}
        segment = {**attempt.segment(), "finish_reason": reason}
        await self._end(attempt, TurnStatus.COMPLETED, record, segment, continues)
        return None

    async def fail(self, attempt: Attempt, code: str, message: str) -> None:
        record = {**attempt.record(), "error_code": code, "error_message": message}
        await self._end(attempt, TurnStatus.FAILED, record)

    async def cancel(self, attempt: Attempt) -> None:
        """What the model has said so far is kept if it has any text."""
        attempt.renderer.end_part()
        segment = None
        if attempt.renderer.has_text:
            attempt.writer.write(envelope.finish_step())
            segment = {**attempt.segment(), "finish_reason": CANCELLED}
        has_reply = segment is not None or attempt.task.turn.segment > 1
        record = {**attempt.record(), "finish_reason": CANCELLED if has_reply else None}
        await self._end(attempt, TurnStatus.CANCELLED, record, segment, attempt.continues(None))

    async def _end(
        self,
        attempt: Attempt,
        status: TurnStatus,
        record: dict[str, Any],
        segment: dict[str, Any] | None = None,
        continues: dict[str, Any] | None = None,
    ) -> None:
        ending = Ending(status, record=record, continues=continues)
        await self._settler.end(attempt.task, attempt.writer, ending, segment)
        if segment is not None:
            attempt.count_cost()


def _have_room(attempt: Attempt) -> bool:
    """Whether the turn has segments left for its calls and the answer to them: where it waits for each call alone, each
    ends in a segment of its own, after the one that asks for decisions.
    """
    answers_in = attempt.task.turn.segment + len(attempt.renderer.calls) + 2
    return answers_in <= SEGMENTS_MAX
