"""Who may use a connection of the pool, and how long the others wait for a permit."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from neo.telemetry import engine_metrics

# Where no permit is given back for this long, the wait is refused: those who have them are stuck.
STILL_SECONDS = 1.0
# As long as permits are given back they are waited for, but not longer than clients wait.
WAIT_SECONDS = 5.0


class Permits:
    def __init__(self, most: int) -> None:
        self._free = asyncio.Semaphore(most)
        self._given_back = 0

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Wait for a permit, and give it back; raises TimeoutError."""
        asked = _now()
        await self._take()
        engine_metrics.pool_waited(_now() - asked)
        try:
            yield
        finally:
            self._given_back += 1
            self._free.release()

    async def _take(self) -> None:
        if not self._free.locked():
            await self._free.acquire()
            return
        taking = asyncio.create_task(self._free.acquire())
        try:
            await self._wait_for(taking)
        except BaseException:
            if taking.done() and not taking.cancelled():
                self._free.release()
            taking.cancel()
            raise

    async def _wait_for(self, taking: asyncio.Task[Literal[True]]) -> None:
        give_up_at = _now() + WAIT_SECONDS
        while not taking.done():
            before = self._given_back
            await asyncio.wait((taking,), timeout=STILL_SECONDS)
            if not taking.done() and (self._given_back == before or _now() > give_up_at):
                raise TimeoutError


def _now() -> float:
    return asyncio.get_running_loop().time()
