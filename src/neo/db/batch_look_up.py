"""One query for all who ask the same look-up in the same moment."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import asyncpg

from neo.db.driver import DatabaseUnavailable
from neo.kit import Batcher

# Askers of one query; who is over it goes with the next one.
ASKERS_MAX = 1_000

Find = Callable[[list[bytes]], Awaitable[Sequence[asyncpg.Record]]]


class BatchLookUp:
    """Nothing is kept: who asks while a query runs goes with the next one, and hears how things stand by then."""

    def __init__(self, find: Find, *, key: str) -> None:
        self._find = find
        self._key = key
        # Not a lock: that one is free for the moment in which the next in line is being woken.
        self._line = asyncio.Semaphore(1)
        self._silence: DatabaseUnavailable | None = None
        self._first = Batcher(
            self._first_of_each, most=ASKERS_MAX, name="batch-look-up", silence=DatabaseUnavailable
        )

    async def first(self, keys: list[bytes]) -> asyncpg.Record | None:
        """The row of the first of these keys that has one."""
        if self._line.locked():
            return await self._first(keys)
        # In a quiet moment it is asked from here: each task more would wait its turn behind all that the process does.
        return (await self._first_of_each([keys]))[0]

    async def _first_of_each(self, asked: list[list[bytes]]) -> list[asyncpg.Record | None]:
        rows = await self._in_line(list({key for keys in asked for key in keys}))
        found = {row[self._key]: row for row in rows}
        return [next((found[key] for key in keys if key in found), None) for keys in asked]

    async def _in_line(self, keys: list[bytes]) -> Sequence[asyncpg.Record]:
        heard = self._silence
        async with self._line:
            if self._silence is not None and self._silence is not heard:
                # Who waited behind a silent server is not made to wait as long again.
                raise self._silence
            try:
                return await self._find(keys)
            except DatabaseUnavailable as silence:
                self._silence = silence
                raise
