"""Says in the database of turns that are answered here, and that Temporal has not heard of, that they are in hand."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import structlog

from neo.db import Database, DatabaseUnavailable
from neo.turns.telling_later import TellingLater

log = structlog.get_logger()

# Once this is over and was not said again, the turn's process has died or hangs: others look at the turn.
HELD_FOR = timedelta(seconds=4)
# A full processor is late by a second at most; this may be missed twice.
SAY_SECONDS = 1.0
HOLD = "SELECT neo_hold_turns($1, $2)"


@dataclass(frozen=True)
class Holding:
    database: Database
    held: TellingLater

    async def run(self) -> None:
        while True:
            await asyncio.sleep(SAY_SECONDS)
            try:
                await self.say()
            except DatabaseUnavailable:
                log.debug("holding_waits_for_database")

    async def say(self) -> None:
        if turn_ids := self.held.turn_ids:
            await self.database.look_up(HOLD, turn_ids, HELD_FOR)
