"""Claims turns from PostgreSQL: the right to write a turn's next segment, with a lease."""

from datetime import timedelta
from uuid import UUID

import structlog

from neo.db import Database
from neo.events import EventLog, Fenced, SegmentWriter
from neo.telemetry import turn_metrics
from neo.turns.leases.lease import LEASE
from neo.turns.retry import until_database_answers
from neo.turns.task import Task, task_of

log = structlog.get_logger()


async def claim_turns(
    database: Database, turns_max: int, *, takes_over: bool, without: list[UUID]
) -> list[Task]:
    """The oldest claimable turns of the tenants that hold the fewest leases."""
    rows = await database.call("neo_claim_turns", turns_max, LEASE, takes_over, without)
    return [_counted(task_of(row)) for row in rows]


async def claim_turn(
    database: Database, turn_id: UUID, *, takes_over: bool, without: list[UUID]
) -> Task | None:
    """This turn, if it may be claimed."""
    rows = await database.call("neo_claim_turn", turn_id, LEASE, takes_over, without)
    return _counted(task_of(rows[0])) if rows else None


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
    return events.writer(
        turn.session_id,
        turn.turn_no,
        turn.segment,
        turn.claim,
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
