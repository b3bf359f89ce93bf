"""Measures how long accepted turns wait for their start: the one number that says whether the outbox is
emptied.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from neo.db import Database, DatabaseUnavailable
from neo.telemetry import turn_metrics

# More often than Prometheus asks, and one quick query.
MEASURE_SECONDS = 5.0


@dataclass(frozen=True)
class OutboxWatch:
    database: Database

    async def run(self) -> None:
        while True:
            # While PostgreSQL is away the number stays as it is: another gauge says that it is away.
            with suppress(DatabaseUnavailable):
                await self.measure()
            await asyncio.sleep(MEASURE_SECONDS)

    async def measure(self) -> None:
        [row] = await self.database.call("neo_outbox_age")
        turn_metrics.outbox_age(row["seconds"] or 0.0)
