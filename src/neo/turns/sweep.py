"""Starts the turns that a crash left behind, and ends those that Temporal will not run again."""

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
from neo.turns.end import TurnEnder
from neo.turns.errors import TURN_LOST, TurnRefused
from neo.turns.models import TurnStatus
from neo.turns.starting.start import TurnStarter
from neo.turns.temporal.contract import TurnInput

log = structlog.get_logger()

SWEEP_SECONDS = 0.5
# A start takes milliseconds; a turn that is still queued after this was left behind.
QUEUED_AFTER = timedelta(seconds=1)
# A running turn is started again now and then, in case Temporal has lost or ended its workflow; where it
# runs, that changes nothing. One that was begun before Temporal heard of it is due as soon as its process no
# longer renews `held_until` (`turns/starting/holding.py`).
RUNNING_AFTER = timedelta(seconds=15)
TURNS_MAX = 100
# A worker that lives stops an answer within a second; after this there is none.
CANCEL_TIMEOUT = timedelta(seconds=10)
LOST_MESSAGE = "The turn was stopped from outside before it could finish."

# Looked for in every fourth round only: it need not be known to the second.
CANCEL_ROUNDS = 4


@dataclass(frozen=True)
class Sweeper:
    """Any number of processes may sweep: the database gives each turn that is due to one of them."""

    database: Database
    starter: TurnStarter
    ender: TurnEnder
    events: EventLog

    async def run(self) -> None:
        for rounds in count():
            try:
                await self.sweep()
                if rounds % CANCEL_ROUNDS == 0:
                    await self.end_timed_out_cancels()
            except DatabaseUnavailable:
                log.debug("sweep_waits_for_database")
            # At even intervals the process that had a turn last would get it again, even if it cannot start
            # it.
            await asyncio.sleep(SWEEP_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311

    async def sweep(self) -> int:
        """Start each turn that is due; returns how many there were."""
        found = await self.database.call("neo_sweep_turns", QUEUED_AFTER, RUNNING_AFTER, TURNS_MAX)
        await asyncio.gather(*(self._handle(row) for row in found))
        return len(found)

    async def end_timed_out_cancels(self) -> None:
        """End the turns that were to stop and that no worker has stopped in time, whatever Temporal does."""
        for row in await self.database.call("neo_overdue_cancels", CANCEL_TIMEOUT, TURNS_MAX):
            await self.end_cancelled(TurnInput(str(row["tenant_id"]), str(row["session_id"]), str(row["id"])))

    async def start_or_end(self, turn: TurnInput) -> bool:
        """Start the turn, or find it running. False where Temporal has ended its workflow: it is ended as
        lost then.
        """
        try:
            await self.starter.start(turn)
        except TurnRefused:
            if await self.ender.fail_abandoned(turn, TURN_LOST, LOST_MESSAGE):
                log.warning("turn_lost", turn_id=turn.turn_id, session_id=turn.session_id)
                await self.events.wake_readers(turn.session_id)
            return False
        return True

    async def end_cancelled(self, turn: TurnInput) -> bool:
        """End a turn that was to stop; false when it has ended meanwhile."""
        with suppress(Fenced):
            if await self.ender.cancel_abandoned(turn):
                log.warning("turn_cancelled_without_worker", turn_id=turn.turn_id, session_id=turn.session_id)
                await self.events.wake_readers(turn.session_id)
                return True
        return False

    async def _handle(self, row: Record) -> None:
        turn = TurnInput(str(row["tenant_id"]), str(row["session_id"]), str(row["id"]))
        if self.starter.is_starting(turn.turn_id):
            # This process runs the turn, or is about to start its workflow.
            return
        try:
            if await self.start_or_end(turn) and row["status"] == TurnStatus.QUEUED:
                turn_metrics.started_by_sweeper()
                log.info("turn_started_by_sweeper", turn_id=turn.turn_id, session_id=turn.session_id)
        except (OSError, RPCError, TimeoutError, RuntimeError) as error:
            # Temporal's absence is logged once, as `engine_down`.
            log.debug(
                "sweep_waits_for_temporal",
                turn_id=turn.turn_id,
                session_id=turn.session_id,
                reason=type(error).__name__,
            )
