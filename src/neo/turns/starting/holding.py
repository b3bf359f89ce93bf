"""Says in the database of turns that are answered here, and that no attempt has come for, that they are in hand."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog

from neo.db import Database, DatabaseUnavailable

log = structlog.get_logger()

# Once this is over and was not said again, the turn's process has died or hangs: others look at the turn.
HELD_FOR = timedelta(seconds=4)
# A full processor is late by a second at most; this may be missed twice.
SAY_SECONDS = 1.0


@dataclass(frozen=True)
class Holding:
    database: Database
    in_hand: Callable[[], list[str]]

    async def run(self) -> None:
        while True:
            await asyncio.sleep(SAY_SECONDS)
            try:
                await self._say(self.in_hand(), HELD_FOR)
            except DatabaseUnavailable:
                log.debug("holding_waits_for_database")

    async def let_go(self, turn_ids: list[str]) -> None:
        """Others may begin them at once."""
        with suppress(DatabaseUnavailable):
            await self._say(turn_ids, timedelta(0))

    async def _say(self, turn_ids: list[str], held_for: timedelta) -> None:
        if turn_ids:
            await self.database.call("neo_hold_turns", turn_ids, held_for)
