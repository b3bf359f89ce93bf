"""How long accepted turns wait to be started: the one number that says whether the outbox is emptied."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from neo.db import Database, DatabaseUnavailable
from neo.telemetry import turn_metrics

# Less than Prometheus asks, and one quick query.
LOOK_SECONDS = 5.0
AGE = "SELECT neo_outbox_age() AS seconds"


@dataclass(frozen=True)
class OutboxWatch:
    database: Database

    async def run(self) -> None:
        while True:
            # Without PostgreSQL the number stands still: that it is away is another gauge's to tell.
            with suppress(DatabaseUnavailable):
                await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        [row] = await self.database.look_up(AGE)
        turn_metrics.outbox_age(row["seconds"] or 0.0)
