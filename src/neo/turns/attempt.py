"""One attempt at a turn: what it works with, what the model has answered, and what is recorded of it."""

from dataclasses import dataclass
from typing import Any

from neo.events import TurnWriter
from neo.llm import ChosenModel, Completed
from neo.telemetry import turn_metrics
from neo.turns.contract import TurnInput
from neo.turns.prompt import Task
from neo.turns.render import Renderer


@dataclass
class Attempt:
    turn: TurnInput
    task: Task
    writer: TurnWriter
    renderer: Renderer
    chosen: ChosenModel | None = None
    omitted_messages: int = 0
    first_token_ms: int | None = None
    completed: Completed | None = None

    def note_first_token(self) -> None:
        if self.first_token_ms is None:
            seconds = self.task.turn.age_seconds
            self.first_token_ms = _ms(seconds)
            turn_metrics.first_token(seconds)

    def record(self) -> dict[str, Any]:
        chosen = self.chosen
        return {
            "provider": chosen.provider if chosen else None,
            "region": chosen.region if chosen else None,
            "model": chosen.name if chosen else None,
            "first_token_ms": self.first_token_ms,
            "total_ms": _ms(self.task.turn.age_seconds),
            "omitted_messages": self.omitted_messages,
        }

    def continues(self, response_id: str | None) -> dict[str, Any]:
        """The provider's response that the session's next turn continues; without one it sends the
        transcript.
        """
        chosen = self.chosen
        return {
            "provider": chosen.provider if chosen else None,
            "region": chosen.region if chosen else None,
            "response_id": response_id,
        }


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
