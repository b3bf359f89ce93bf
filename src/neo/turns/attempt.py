"""One attempt at a turn: its claims, what it works with, what the model has answered, and what is recorded of it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from neo.db import Database
from neo.events import TurnWriter
from neo.llm import ChosenModel, Completed
from neo.telemetry import turn_metrics
from neo.turns.models import ChatTurn
from neo.turns.prompt import Task
from neo.turns.render import Renderer
from neo.turns.retry import until_database_answers
from neo.turns.store import TurnStore
from neo.turns.temporal.contract import TurnInput


class Claims:
    """One attempt's claims: first the one that it began with, then a new one each time its stream was lost."""

    def __init__(self, database: Database, turn: TurnInput, row: ChatTurn) -> None:
        self._database = database
        self._turn = turn
        self._claim = row.claim
        self._is_first_used = False

    async def next(self) -> int:
        """The claim to write with from now on; raises `Fenced` when the turn has ended or has a newer claim."""
        if self._is_first_used:
            self._claim = await until_database_answers(self._raise)
        self._is_first_used = True
        return self._claim

    async def _raise(self) -> int:
        tenant_id = UUID(self._turn.tenant_id)
        async with self._database.transaction(tenant_id) as db:
            return await TurnStore(db, tenant_id).next_claim(UUID(self._turn.turn_id), self._claim)


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
