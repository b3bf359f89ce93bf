"""Who may use a connection, and the connections that functions are called on.

A call may be made twice when its connection has died, so a function does nothing twice.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from neo.db.driver import DEAD, Driver, cut, driver_of, is_misfit, mapped, unavailable
from neo.kit import FairSlots
from neo.telemetry import process_metrics

# Where no permit is given back for this long, the wait is refused: those who have them are stuck.
STILL_SECONDS = 1.0
# As long as permits are given back they are waited for, but not longer than clients wait.
WAIT_SECONDS = 5.0
# One tenant has half of the connections at most: its large pages and held locks leave the others theirs.
TENANTS_PART = 2
# Fewer are not parted: a tenant by itself could not do two things at once.
PARTED_FROM = 4
# Whose statements of no tenant are.
NOBODY = UUID(int=0)


class Permits:
    """One for each connection, shared fairly among tenants, and how long the others wait for one."""

    def __init__(self, most: int, *, are_parted: bool = False) -> None:
        """`are_parted`: one tenant has its part at most."""
        each = -(-most // TENANTS_PART) if are_parted and most >= PARTED_FROM else None
        self._slots = FairSlots(most, each=each)
        self._given_back = 0

    @asynccontextmanager
    async def taken(self, tenant_id: UUID = NOBODY) -> AsyncIterator[None]:
        """Wait for a permit, and give it back; raises TimeoutError."""
        asked = _now()
        await self._take(tenant_id)
        process_metrics.pool_wait.observe(_now() - asked)
        try:
            yield
        finally:
            self._given_back += 1
            self._slots.give_back(tenant_id)

    async def _take(self, tenant_id: UUID) -> None:
        if self._slots.is_free(tenant_id):
            await self._slots.take(tenant_id)
            return
        taking = asyncio.create_task(self._slots.take(tenant_id))
        try:
            await self._wait_for(taking)
        except BaseException:
            if taking.done() and not taking.cancelled():
                self._slots.give_back(tenant_id)
            taking.cancel()
            raise

    async def _wait_for(self, taking: asyncio.Task[None]) -> None:
        give_up_at = _now() + WAIT_SECONDS
        while not taking.done():
            before = self._given_back
            await asyncio.wait((taking,), timeout=STILL_SECONDS)
            if not taking.done() and (self._given_back == before or _now() > give_up_at):
                raise TimeoutError


class FunctionPool:
    """As many connections as run a query at once, up to a bound; the one that was used last is used next.

    Every request and turn waits for functions, and to check a connection out would cost more than the call.
    """

    def __init__(self, engine: AsyncEngine, most: int) -> None:
        self._free = [FunctionConnection(engine) for _ in range(most)]
        self._all = tuple(self._free)
        self._permits = Permits(most)

    async def fetch(self, query: str, *values: object) -> Sequence[asyncpg.Record]:
        async with mapped(), self._permits.taken():
            connection = self._free.pop()
            try:
                return await connection.fetch(query, *values)
            finally:
                self._free.append(connection)

    async def aclose(self) -> None:
        for connection in self._all:
            await connection.aclose()


class FunctionConnection:
    """Opened by the first query, and again after it was lost. One query at a time.

    A server that does not answer for `answer_seconds` is down or frozen. Without them the driver's own bound applies.
    """

    def __init__(self, engine: AsyncEngine, *, answer_seconds: float | None = None) -> None:
        self._engine = engine
        self._answer_seconds = answer_seconds
        self._connection: AsyncConnection | None = None
        # The library is asked for it once: each time costs a third of the query.
        self._driver: Driver | None = None

    async def fetch(self, query: str, *values: object) -> Sequence[asyncpg.Record]:
        async with mapped():
            try:
                return await self._fetch(query, values)
            except DEAD as error:
                if is_misfit(error):
                    raise
                # A restarted server has closed this connection and all others of the pool.
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
            async with asyncio.timeout(self._answer_seconds):
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


def _now() -> float:
    return asyncio.get_running_loop().time()
