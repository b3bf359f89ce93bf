"""Acts on what is due and that nobody drives: turns that were cancelled, requests whose time has passed."""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog

from neo.db import Database, DatabaseUnavailable
from neo.events import Fenced
from neo.streams import Valkey
from neo.turns.end import TurnEnder
from neo.turns.models import TurnStatus
from neo.turns.temporal.contract import TurnInput
from neo.turns.wake_ups import publish_claimable

log = structlog.get_logger()

SWEEP_SECONDS = 2.0
ROWS_MAX = 100
# Whoever drives the turn stops within a second; after this nobody does.
CANCEL_TIMEOUT = timedelta(seconds=5)


@dataclass(frozen=True)
class Sweeper:
    """Any number of processes may sweep: what one has done is not there for the others."""

    database: Database
    valkey: Valkey
    ender: TurnEnder

    async def run(self) -> None:
        while True:
            try:
                await self.end_overdue_cancels()
                await self.expire_requests()
            except DatabaseUnavailable:
                log.debug("sweep_waits_for_database")
            await asyncio.sleep(SWEEP_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311

    async def end_overdue_cancels(self) -> int:
        """End the turns that were to stop and that nobody drives; returns how many there were."""
        found = await self.database.call("neo_overdue_cancels", CANCEL_TIMEOUT, ROWS_MAX)
        for row in found:
            await self.end_cancelled(TurnInput(str(row["tenant_id"]), str(row["session_id"]), str(row["id"])))
        return len(found)

    async def end_cancelled(self, turn: TurnInput) -> bool:
        """End a turn that was to stop; false when it has ended meanwhile."""
        with suppress(Fenced):
            if await self.ender.end_unwritten(turn, TurnStatus.CANCELLED):
                log.warning("turn_cancelled_without_driver", turn_id=turn.turn_id, session_id=turn.session_id)
                await publish_claimable(self.valkey)
                return True
        return False

    async def expire_requests(self) -> int:
        """Have the turns go on whose request nobody decided in time; returns how many requests there were."""
        found = await self.database.call("neo_overdue_requests", ROWS_MAX)
        for row in found:
            await self.database.call("neo_decide_request", row["tenant_id"], row["call_id"], "EXPIRED")
        if found:
            await publish_claimable(self.valkey)
        return len(found)
