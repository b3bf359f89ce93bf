"""Many who ask in one moment are answered by few queries."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from neo.db import BatchLookUp, Database
from support.server import Server

ECHO = "SELECT unnest($1::bytea[]) AS key"


class Line:
    """A look-up whose queries wait to be let, one by one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.asked: list[int] = []
        self.let = asyncio.Semaphore(0)
        self.answered = asyncio.Event()
        self.look_up = BatchLookUp(self._find, key="key")

    async def _find(self, keys: list[bytes]) -> Sequence[Any]:
        self.asked.append(len(keys))
        rows = await self._database._functions.fetch(ECHO, keys)
        await self.let.acquire()
        # Whoever waits for this runs after the query has ended, and before who was next in line is awake.
        self.answered.set()
        return rows

    async def ask(self, number: int) -> None:
        key = number.to_bytes(2, "big")
        row = await self.look_up.first([key])
        assert row is not None
        assert row["key"] == key

    async def ask_when_answered(self, number: int) -> None:
        await self.answered.wait()
        await self.ask(number)

    async def until_asked(self, queries: int) -> None:
        async with asyncio.timeout(5):
            while len(self.asked) < queries:
                await asyncio.sleep(0)


@pytest.fixture
async def line(server: Server) -> AsyncIterator[Line]:
    database = Database(server.addresses.database_url, connections_max=1)
    yield Line(database)
    await database.aclose()


async def test_who_asks_meanwhile_goes_with_the_next_query(line: Line) -> None:
    asking = [asyncio.create_task(line.ask(number)) for number in range(50)]
    await line.until_asked(1)
    for _ in range(2):
        line.let.release()

    await asyncio.gather(*asking)

    assert line.asked == [1, 49]


async def test_who_asks_while_the_line_moves_on_does_not_go_alone(line: Line) -> None:
    """Each would wait for the query of the one before: with 300 users that took seconds."""
    first = asyncio.create_task(line.ask(0))
    await line.until_asked(1)
    second = asyncio.create_task(line.ask(1))
    others = [asyncio.create_task(line.ask_when_answered(number)) for number in range(2, 50)]
    await asyncio.sleep(0.05)
    for _ in range(50):
        line.let.release()

    await asyncio.gather(first, second, *others)

    assert line.asked == [1, 1, 48]
