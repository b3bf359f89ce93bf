"""One query for everybody who looks up a key of the same kind in the same moment."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import asyncpg

from neo.db.driver import DatabaseUnavailable
from neo.kit import Batcher

# Keys in one query; more go with the next one.
ASKERS_MAX = 1_000

Find = Callable[[list[bytes]], Awaitable[Sequence[asyncpg.Record]]]


class BatchLookUp:
    """One query runs at a time. Whoever asks meanwhile goes with the next one; nothing is remembered."""

    def __init__(self, find: Find, *, key: str) -> None:
        self._find = find
        self._key = key
        # Not a lock: that one is free for the moment in which the next waiter is being woken.
        self._running = asyncio.Semaphore(1)
        self._failure: DatabaseUnavailable | None = None
        self._first = Batcher(
            self._first_of_each, most=ASKERS_MAX, name="batch-look-up", silence=DatabaseUnavailable
        )

    async def first(self, keys: list[bytes]) -> asyncpg.Record | None:
        """The row of the first of these keys that has one."""
        if self._running.locked():
            return await self._first(keys)
        # When nobody else asks, no task is made: it would wait its turn behind all that the process does.
        return (await self._first_of_each([keys]))[0]

    async def _first_of_each(self, asked: list[list[bytes]]) -> list[asyncpg.Record | None]:
        rows = await self._one_at_a_time(list({key for keys in asked for key in keys}))
        found = {row[self._key]: row for row in rows}
        return [next((found[key] for key in keys if key in found), None) for keys in asked]

    async def _one_at_a_time(self, keys: list[bytes]) -> Sequence[asyncpg.Record]:
        failure_before = self._failure
        async with self._running:
            if self._failure is not None and self._failure is not failure_before:
                # Whoever waited behind a server that does not answer is not made to wait as long again.
                raise self._failure
            try:
                return await self._find(keys)
            except DatabaseUnavailable as failure:
                self._failure = failure
                raise
