"""A connection that is kept, for what every request waits for: to check one out costs more than the query."""

import asyncio
from collections.abc import Sequence

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from neo.db.driver import DEAD, Driver, cut, driver_of, mapped, unavailable

# An index look-up takes a fraction of a millisecond; a server that is silent for this long is down or frozen.
ANSWER_SECONDS = 1.5


class HeldConnection:
    """Made at the first query, and again after its loss. One query at a time."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._connection: AsyncConnection | None = None
        # Asked of the library once: each time costs a third of the query.
        self._driver: Driver | None = None

    async def fetch(self, query: str, *values: object) -> Sequence[asyncpg.Record]:
        async with mapped():
            try:
                return await self._fetch(query, values)
            except DEAD:
                # A restarted server has closed it, and all that the pool holds.
                await self.aclose()
                await self._engine.dispose()
            try:
                return await self._fetch(query, values)
            except DEAD as error:
                raise unavailable() from error

    async def aclose(self) -> None:
        connection, self._connection, self._driver = self._connection, None, None
        if connection is not None:
            await cut(connection)
            await connection.close()

    async def _fetch(self, query: str, values: tuple[object, ...]) -> Sequence[asyncpg.Record]:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                driver = self._driver or await self._open()
                found: Sequence[asyncpg.Record] = await driver.fetch(query, *values)
        except (TimeoutError, asyncio.CancelledError):
            await self.aclose()
            raise
        return found

    async def _open(self) -> Driver:
        self._connection = await self._engine.connect()
        self._driver = driver = await driver_of(self._connection)
        return driver
