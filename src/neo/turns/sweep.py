"""Starts what a crash left behind, and ends what Temporal will not run again."""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

import structlog
from asyncpg import Record
from temporalio.service import RPCError

from neo.db import Database, DatabaseUnavailable
from neo.events import EventLog, Fenced
from neo.telemetry import turn_metrics
from neo.turns.close import TurnCloser
from neo.turns.contract import TurnInput
from neo.turns.models import TurnStatus
from neo.turns.start import TurnRefused, TurnStarter

log = structlog.get_logger()

SWEEP_SECONDS = 0.5
# A start takes milliseconds; a turn that is still queued after this was left behind.
QUEUED_AFTER = timedelta(seconds=1)
# A running turn is looked at now and then, in case Temporal has lost or ended its workflow; one that was begun before
# Temporal heard of it, as soon as its process no longer says that it is in hand (`turns/holding.py`).
RUNNING_AFTER = timedelta(seconds=15)
TURNS_MAX = 100
# A worker that lives stops an answer within a second; after this there is none.
CANCEL_OVERDUE = timedelta(seconds=10)
TURN_LOST = "turn_lost"
LOST_MESSAGE = "The turn was stopped from outside before it could finish."

# Looked for this much more seldom than turns that were left behind: it need not be known to the second.
OVERDUE_ROUNDS = 4
SWEEP = "SELECT * FROM neo_sweep_turns($1, $2, $3)"
OVERDUE = "SELECT * FROM neo_overdue_cancels($1, $2)"


@dataclass(frozen=True)
class Sweeper:
    """Any number of processes may sweep: a turn is handed to one of them at a time."""

    database: Database
    starter: TurnStarter
    closer: TurnCloser
    events: EventLog

    async def run(self) -> None:
        for rounds in count():
            try:
                await self.sweep()
                if rounds % OVERDUE_ROUNDS == 0:
                    await self.end_overdue_cancels()
            except DatabaseUnavailable:
                log.debug("sweep_waits_for_database")
            # In even steps the one that had a turn last would come first to it again, also when it cannot start it.
            await asyncio.sleep(SWEEP_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311

    async def sweep(self) -> int:
        """One round; how many turns were looked at."""
        found = await self.database.look_up(SWEEP, QUEUED_AFTER, RUNNING_AFTER, TURNS_MAX)
        await asyncio.gather(*(self._look(row) for row in found))
        return len(found)

    async def end_overdue_cancels(self) -> None:
        """End the turns that were to stop and whose worker has gone, whatever Temporal does."""
        for row in await self.database.look_up(OVERDUE, CANCEL_OVERDUE, TURNS_MAX):
            await self.end_cancelled(TurnInput(str(row["tenant_id"]), str(row["session_id"]), str(row["id"])))

    async def take_up(self, turn: TurnInput) -> bool:
        """Start it, or find it running; false when Temporal will not run it again and it was ended instead."""
        try:
            await self.starter.start(turn)
        except TurnRefused:
            if await self.closer.fail(turn, TURN_LOST, LOST_MESSAGE):
                log.warning("turn_lost", turn_id=turn.turn_id, session_id=turn.session_id)
                await self.events.nudge(turn.session_id)
            return False
        return True

    async def end_cancelled(self, turn: TurnInput) -> bool:
        """End a turn that was to stop; false when it has ended meanwhile."""
        with suppress(Fenced):
            if await self.closer.cancel(turn):
                log.warning("turn_cancelled_without_worker", turn_id=turn.turn_id, session_id=turn.session_id)
                await self.events.nudge(turn.session_id)
                return True
        return False

    async def _look(self, row: Record) -> None:
        turn = TurnInput(str(row["tenant_id"]), str(row["session_id"]), str(row["id"]))
        if self.starter.has_in_hand(turn.turn_id):
            # The house is full, or the answer is long: to tell Temporal again would be for nothing.
            return
        try:
            if await self.take_up(turn) and row["status"] == TurnStatus.QUEUED:
                turn_metrics.started_by_sweeper()
                log.info("turn_started_by_sweeper", turn_id=turn.turn_id, session_id=turn.session_id)
        except (OSError, RPCError, TimeoutError, RuntimeError) as error:
            # That Temporal is away is told once, as `engine_down`.
            log.debug(
                "sweep_waits_for_temporal",
                turn_id=turn.turn_id,
                session_id=turn.session_id,
                reason=type(error).__name__,
            )
