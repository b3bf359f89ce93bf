"""A claimed turn with all that its driver needs to begin."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from neo.events import Position
from neo.llm import Tier
from neo.sessions import ChatMessage, ChatSession
from neo.turns.models import ChatTurn
from neo.turns.temporal.contract import TurnInput

COMPANY_HEADING = "Instructions for this user's company:"


@dataclass
class Task:
    """The turn's `segment` and `claim` are what the driver writes next. `session` and `message` have only the columns
    that are needed here.
    """

    turn: ChatTurn
    session: ChatSession
    instructions: str
    agent_model: str | None
    reasoning_effort: str | None
    message: ChatMessage
    # The last entry of the segment before, as it was numbered.
    after: Position | None
    # The number of the next MODEL segment among the turn's, from 1: readers see each as a step.
    step: int
    # It was begun too often: it is to be ended.
    is_exhausted: bool
    # How long the lease of whoever drove it before had passed; None where nobody had one.
    late_seconds: float | None

    @property
    def tier(self) -> Tier:
        return Tier(self.turn.model_tier)

    @property
    def lease_id(self) -> UUID:
        assert self.turn.lease_id is not None  # noqa: S101 - a claimed turn has one.
        return self.turn.lease_id

    @property
    def named(self) -> TurnInput:
        turn = self.turn
        return TurnInput(str(turn.tenant_id), str(turn.session_id), str(turn.id))

    def go_on(self, segment: int, claim: int, after: Position) -> None:
        """To the next segment, under the same lease."""
        self.turn.segment, self.turn.claim, self.turn.segment_attempts = segment, claim, 0
        self.after = after


def task_of(claimed: Any) -> Task:
    """From a row of the type `neo_claimed`."""
    row = dict(claimed)
    continued = {name: row.pop(name) for name in tuple(row) if name.startswith("continues_")}
    instructions = _joined(row.pop("instructions"), row.pop("of_company"))
    model, reasoning_effort = row.pop("agent_model"), row.pop("reasoning_effort")
    message = ChatMessage(id=row.pop("message_id"), parts=row.pop("parts"))
    is_exhausted, step = row.pop("is_exhausted"), row.pop("step")
    claim, n, late_seconds = row.pop("after_claim"), row.pop("after_n"), row.pop("late_seconds")
    turn = ChatTurn(**row)
    after = Position(turn.turn_no, turn.segment - 1, claim, n) if n is not None else None
    session = ChatSession(**continued)
    return Task(
        turn, session, instructions, model, reasoning_effort, message, after, step, is_exhausted, late_seconds
    )


def _joined(instructions: str, of_company: str | None) -> str:
    """The agent's instructions, then its user's company's, if there are any."""
    if not of_company:
        return instructions
    parts = (instructions, f"{COMPANY_HEADING}\n{of_company}")
    return "\n\n".join(part for part in parts if part)
