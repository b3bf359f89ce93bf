"""Claims turns from PostgreSQL: the right to write a turn's next segment, with a lease, and what its driver needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog

from neo.db import Database, until_database_answers
from neo.events import EventLog, Fenced, Position, SegmentWriter
from neo.llm import Tier
from neo.sessions import ChatMessage, ChatSession
from neo.telemetry import turn_metrics
from neo.toolbox import OfferedTool
from neo.turns.instructions import instructions_of
from neo.turns.models import ChatTurn
from neo.turns.temporal.contract import TurnInput

log = structlog.get_logger()

# Once this has passed without a renewal, whoever has a place may claim the turn. It is renewed each second, and a full
# processor makes a renewal late by a second at most.
LEASE = timedelta(seconds=4)


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
    toolbox: dict[str, Any]
    agent_audience: str
    message: ChatMessage
    # The last entry of the segment before, as it was numbered.
    after: Position | None
    # The number of the next MODEL segment among the turn's, from 1: readers see each as a step.
    step: int
    # It was begun too often: it is to be ended.
    is_exhausted: bool
    # How long the lease of whoever drove it before had passed; None where nobody had one.
    late_seconds: float | None
    # What its agent is offered, once that has been read; the same for all that this driver does.
    offered: Sequence[OfferedTool] | None = None

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

    def offer(self, tools: Sequence[OfferedTool]) -> None:
        self.offered = tools

    def go_on(self, segment: int, claim: int, after: Position) -> None:
        """To the next segment, under the same lease."""
        self.turn.segment, self.turn.claim, self.turn.segment_attempts = segment, claim, 0
        self.after = after


def task_of(claimed: Any) -> Task:
    """From a row of the type `neo_claimed`."""
    row = dict(claimed)
    continued = {name: row.pop(name) for name in tuple(row) if name.startswith("continues_")}
    instructions = instructions_of(row.pop("instructions"), row.pop("of_company"), row.pop("context"))
    model, reasoning_effort = row.pop("agent_model"), row.pop("reasoning_effort")
    toolbox, audience = row.pop("toolbox"), row.pop("agent_audience")
    company = row.pop("end_company_id")
    message = ChatMessage(id=row.pop("message_id"), parts=row.pop("parts"))
    is_exhausted, step = row.pop("is_exhausted"), row.pop("step")
    claim, n, late_seconds = row.pop("after_claim"), row.pop("after_n"), row.pop("late_seconds")
    turn = ChatTurn(**row)
    after = Position(turn.turn_no, turn.segment - 1, claim, n) if n is not None else None
    session = ChatSession(**continued, end_company_id=company)
    return Task(
        turn,
        session,
        instructions,
        model,
        reasoning_effort,
        toolbox,
        audience,
        message,
        after,
        step,
        is_exhausted,
        late_seconds,
    )


async def claim_turns(
    database: Database,
    turns_max: int,
    *,
    takes_over: bool,
    without: Sequence[UUID] = (),
    only: UUID | None = None,
) -> list[Task]:
    """The oldest claimable turns of the tenants that hold the fewest leases, or the `only` one that is wanted."""
    rows = await database.call("neo_claim_turns", turns_max, LEASE, takes_over, list(without), only)
    return [_counted(task_of(row)) for row in rows]


async def claim_turn(database: Database, turn_id: UUID, *, takes_over: bool) -> Task | None:
    """This turn, if it may be claimed."""
    found = await claim_turns(database, 1, takes_over=takes_over, only=turn_id)
    return found[0] if found else None


def _counted(task: Task) -> Task:
    if task.late_seconds is None:
        turn_metrics.claimed("look")
    else:
        turn_metrics.taken_over(task.late_seconds)
        log.warning("turn_taken_over", turn_id=str(task.turn.id), late_seconds=round(task.late_seconds, 3))
    return task


async def release_turn(database: Database, task: Task, delay: timedelta, *, has_failed: bool) -> None:
    """Give the turn up: whoever has a place may claim it after the delay. A failure counts as an attempt."""
    turn = task.turn
    await database.call("neo_release_turn", turn.tenant_id, turn.id, task.lease_id, delay, has_failed)


def writer_of(events: EventLog, database: Database, task: Task) -> SegmentWriter:
    """The writer of the segment that the task is at, under its claim."""
    turn = task.turn
    return SegmentWriter(
        events,
        turn.session_id,
        Position(turn.turn_no, turn.segment, turn.claim, 0),
        after=task.after,
        next_claim=NextClaim(database, task),
        step=task.step,
    )


class NextClaim:
    """The further claims of one segment's writer: a new one each time its stream was lost."""

    def __init__(self, database: Database, task: Task) -> None:
        self._database = database
        self._turn = task.turn

    async def __call__(self) -> int:
        """A new claim, 0 where the segment has none left; raises `Fenced` when somebody else has claimed the turn."""
        turn = self._turn
        values = (turn.tenant_id, turn.id, turn.lease_id, turn.segment, turn.claim)
        rows = await until_database_answers(lambda: self._database.call("neo_next_claim", *values))
        if not rows:
            raise Fenced("The turn has ended, or somebody else has claimed it.")
        claim: int = rows[0][0]
        turn.claim = claim or turn.claim
        return claim
