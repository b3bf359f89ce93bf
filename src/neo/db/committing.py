"""How a transaction ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from neo.db.driver import DEAD, cut, driver_of, unavailable

# What a server does in a millisecond; a frozen one is not waited for.
ROLLBACK_SECONDS = 1.0


@asynccontextmanager
async def committed(connection: AsyncConnection) -> AsyncIterator[None]:
    """Commits at the end of the block, rolls back on any error."""
    try:
        yield
        await _end(connection, "COMMIT")
    except BaseException:
        await _give_up(connection)
        raise


async def _end(connection: AsyncConnection, statement: str) -> None:
    try:
        done = await (await driver_of(connection)).execute(statement)
    except DEAD as error:
        raise unavailable() from error
    if done != statement:
        raise RuntimeError("A statement of this transaction had failed, so nothing of it was kept.")


async def _give_up(connection: AsyncConnection) -> None:
    """Roll back; a connection that cannot is never used again, for it still has its tenant."""
    try:
        async with asyncio.timeout(ROLLBACK_SECONDS):
            await _end(connection, "ROLLBACK")
    except Exception:  # noqa: BLE001 - why the transaction failed is what the caller wants to know.
        await cut(connection)
    except BaseException:
        await cut(connection)
        raise
