"""Whether anybody runs turns, and how long the turn that waits longest has been claimable."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from neo.db import Database, DatabaseUnavailable
from neo.telemetry import turn_metrics

# More often than Prometheus asks, and one quick query.
MEASURE_SECONDS = 5.0
# A process that runs turns is seen each second.
SEEN_WITHIN = timedelta(seconds=10)


@dataclass(frozen=True)
class TurnProcesses:
    count: int
    places: int
    # How long the oldest claimable turn has waited; 0 when none does.
    oldest_seconds: float


async def read_turn_processes(database: Database) -> TurnProcesses:
    [row] = await database.call("neo_turn_processes", SEEN_WITHIN)
    return TurnProcesses(row["processes"], row["places"], row["oldest_seconds"] or 0.0)


@dataclass(frozen=True)
class ProcessWatch:
    """Measures it: the numbers that say whether accepted turns are driven."""

    database: Database

    async def run(self) -> None:
        while True:
            # While PostgreSQL is away the numbers stay as they are: another gauge says that it is away.
            with suppress(DatabaseUnavailable):
                found = await read_turn_processes(self.database)
                turn_metrics.turns_wait(found.oldest_seconds, processes=found.count)
            await asyncio.sleep(MEASURE_SECONDS)
