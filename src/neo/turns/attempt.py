"""One attempt at a turn: what it was given, what it has heard, and what is recorded of it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from neo.events import TurnWriter
from neo.llm import ChosenModel, Completed
from neo.turns.contract import TurnInput
from neo.turns.models import ChatTurn
from neo.turns.prompt import Task
from neo.turns.tell import Teller


@dataclass
class Attempt:
    turn: TurnInput
    task: Task
    writer: TurnWriter
    teller: Teller
    chosen: ChosenModel | None = None
    omitted_messages: int = 0
    first_token_ms: int | None = None
    completed: Completed | None = None

    def note_first_token(self) -> None:
        if self.first_token_ms is None:
            self.first_token_ms = _since(self.task.turn)

    def record(self) -> dict[str, Any]:
        chosen = self.chosen
        return {
            "provider": chosen.provider if chosen else None,
            "region": chosen.region if chosen else None,
            "model": chosen.name if chosen else None,
            "first_token_ms": self.first_token_ms,
            "total_ms": _since(self.task.turn),
            "omitted_messages": self.omitted_messages,
        }

    def continues(self, response_id: str | None) -> dict[str, Any]:
        """Where the provider left off. The next turn is sent with the transcript when there is no response id."""
        chosen = self.chosen
        return {
            "continues_provider": chosen.provider if chosen else None,
            "continues_region": chosen.region if chosen else None,
            "continues_response_id": response_id,
            "continues_turn_no": self.task.turn.turn_no,
        }


def _since(turn: ChatTurn) -> int:
    """Milliseconds since the message was accepted."""
    return max(0, round((datetime.now(UTC) - turn.created_at).total_seconds() * 1000))
