"""A turn waits out a restart or failover of PostgreSQL rather than lose what the model said."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from neo.db import DatabaseUnavailable

log = structlog.get_logger()
Result = TypeVar("Result")

DATABASE_WAIT_SECONDS = 600.0
DATABASE_RETRY_SECONDS = 0.5


async def until_database_answers(transaction: Callable[[], Awaitable[Result]]) -> Result:
    """The transaction's result. It is repeated while PostgreSQL is away, for ten minutes at most."""
    give_up_at = time.monotonic() + DATABASE_WAIT_SECONDS
    is_waiting = False
    while True:
        try:
            return await transaction()
        except DatabaseUnavailable:
            if time.monotonic() > give_up_at:
                raise
            if not is_waiting:
                log.warning("turn_waits_for_database", seconds_most=DATABASE_WAIT_SECONDS)
            is_waiting = True
            await asyncio.sleep(DATABASE_RETRY_SECONDS)
