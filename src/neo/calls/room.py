"""How many calls run at once in a process: so many of a tenant, and of each connection, first come first served."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Literal
from uuid import UUID

# A call holds a connection and up to 1 MiB of what is answered. No tenant takes another one's room.
TENANT_CALLS_MAX = 16
# A server that is slow keeps half of its tenant's room for others.
CONNECTION_CALLS_MAX = 8


class CallRoom:
    def __init__(self, of_tenant: int = TENANT_CALLS_MAX, of_connection: int = CONNECTION_CALLS_MAX) -> None:
        self._of_tenant = of_tenant
        self._of_connection = of_connection
        self._lines: dict[UUID, _Line] = {}

    @asynccontextmanager
    async def held(self, tenant_id: UUID, connection_id: UUID, *stops: asyncio.Event) -> AsyncIterator[bool]:
        """Wait for room, and hold it in the block; false: one of the `stops` was set before there was any."""
        # The connection's first: who waits for a slow server takes nothing from calls of others.
        async with self._entered(connection_id, self._of_connection, stops) as is_near:
            if not is_near:
                yield False
                return
            async with self._entered(tenant_id, self._of_tenant, stops) as is_in:
                yield is_in

    @asynccontextmanager
    async def _entered(self, key: UUID, most: int, stops: Iterable[asyncio.Event]) -> AsyncIterator[bool]:
        line = self._lines.setdefault(key, _Line(most))
        line.users += 1
        is_in = False
        try:
            is_in = await line.enter(stops)
            yield is_in
        finally:
            if is_in:
                line.places.release()
            line.users -= 1
            if not line.users:
                del self._lines[key]


class _Line:
    def __init__(self, most: int) -> None:
        self.users = 0
        self.places = asyncio.Semaphore(most)

    async def enter(self, stops: Iterable[asyncio.Event]) -> bool:
        if not self.places.locked():
            return await self.places.acquire()
        entering = asyncio.ensure_future(self.places.acquire())
        stopping = [asyncio.ensure_future(stop.wait()) for stop in stops]
        is_in = False
        try:
            await asyncio.wait({entering, *stopping}, return_when=asyncio.FIRST_COMPLETED)
            is_in = entering.done()
            return is_in
        finally:
            for one in stopping:
                one.cancel()
            if not is_in:
                await self._give_up(entering)

    async def _give_up(self, entering: "asyncio.Future[Literal[True]]") -> None:
        entering.cancel()
        [entered] = await asyncio.gather(entering, return_exceptions=True)
        if entered is True:
            self.places.release()
