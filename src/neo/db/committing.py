"""How a transaction ends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from neo.db.driver import DEAD, driver_of, unavailable


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
        await _end(connection, "ROLLBACK")
    except Exception:  # noqa: BLE001 - why the transaction failed is what the caller wants to know.
        await connection.invalidate()
    except BaseException:
        await connection.invalidate()
        raise
