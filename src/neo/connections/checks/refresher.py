"""Checks connections that are due, of all tenants, a few at once.

Every process that serves the API does. A worker alone does not: its way to the outside is for its turns.
"""

import asyncio
import random
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog

from neo.connections.checks.check import Checker
from neo.connections.rows.errors import ConnectionNotFound, TooManyChecks
from neo.db import Database, DatabaseUnavailable

log = structlog.get_logger()

LOOK_SECONDS = 5.0
JITTER = 0.5
# Each holds a connection to the outside, and at its end one to the database.
CHECKS_AT_ONCE = 4
# Longer than a check takes: a connection whose process died is due again then.
LEASE = timedelta(seconds=60)


@dataclass(frozen=True)
class Refresher:
    database: Database
    checker: Checker
    pause_seconds: float = LOOK_SECONDS

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self.pause_seconds * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 - no secret.
            try:
                while await self.refresh() == CHECKS_AT_ONCE:
                    pass
            except DatabaseUnavailable as failure:
                log.warning("connection_checks_wait", code=failure.code)

    async def refresh(self) -> int:
        """Check what is due, a few at most, and return how many that were."""
        due = await self.database.call("neo_take_due_connections", CHECKS_AT_ONCE, LEASE)
        async with asyncio.TaskGroup() as group:
            for row in due:
                group.create_task(self._check(row["tenant_id"], row["id"]))
        return len(due)

    async def _check(self, tenant_id: UUID, connection_id: UUID) -> None:
        try:
            await self.checker.check(tenant_id, connection_id)
        except (ConnectionNotFound, TooManyChecks, DatabaseUnavailable) as failure:
            # It is due again when its lease has passed.
            log.info("connection_check_left", code=failure.code)
