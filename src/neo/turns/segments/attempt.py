"""One attempt at a MODEL segment: what the model has answered, and what is recorded of it."""

from dataclasses import dataclass, field
from typing import Any

from neo.events import SegmentWriter
from neo.llm import ChosenModel, Completed
from neo.telemetry import turn_metrics
from neo.turns.leases.lease import Lease
from neo.turns.render import Renderer
from neo.turns.segments.rounds import SettledRounds
from neo.turns.task import Task


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
            seconds = turn.age_seconds
            turn.first_token_ms = milliseconds(seconds)
            turn_metrics.first_token(seconds)

    def record(self) -> dict[str, Any]:
        """Of the turn, as far as this segment knows."""
        chosen, completed = self.chosen, self.completed
        return {
            "provider": chosen.provider if chosen else None,
            "region": chosen.region if chosen else None,
            "model": completed.model if completed else chosen.name if chosen else None,
            "first_token_ms": self.task.turn.first_token_ms,
            "total_ms": milliseconds(self.task.turn.age_seconds),
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
            "first_token_ms": self.task.turn.first_token_ms,
        }

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
