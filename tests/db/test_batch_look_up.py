"""Many who ask in one moment are answered by few queries."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from neo.db import Database
from support.server import Server

ECHO = "SELECT unnest($1::bytea[]) AS key"


class Waiting(Database):
    """A database whose look-ups of keys wait to be let, one by one."""

    def __init__(self, url: str) -> None:
        super().__init__(url, connections_max=1)
        self.asked: list[int] = []
        self.let = asyncio.Semaphore(0)
        self.answered = asyncio.Event()
        self.look_up = self.batch_look_up("neo_find_api_keys", key="key")

    async def _find_keys(self, function: str, keys: list[bytes]) -> Sequence[Any]:
        assert function == "neo_find_api_keys"
        self.asked.append(len(keys))
        rows = await self._functions.fetch(ECHO, keys)
        await self.let.acquire()
        # Whoever waits for this runs after the query has ended, and before who was next is awake.
        self.answered.set()
        return rows

    async def ask(self, number: int) -> None:
        key = number.to_bytes(2, "big")
        row = await self.look_up([key])
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
async def database(server: Server) -> AsyncIterator[Waiting]:
    database = Waiting(server.addresses.database_url)
    yield database
    await database.aclose()


async def test_who_asks_meanwhile_goes_with_the_next_query(database: Waiting) -> None:
    first = asyncio.create_task(database.ask(0))
    await database.until_asked(1)
    others = [asyncio.create_task(database.ask(number)) for number in range(1, 50)]
    await asyncio.sleep(0)
    for _ in range(2):
        database.let.release()

    await asyncio.gather(first, *others)

    assert database.asked == [1, 49]


async def test_who_asks_while_a_query_ends_does_not_go_alone(database: Waiting) -> None:
    """Each would wait for the query of the one before: with 300 users that took seconds."""
    first = asyncio.create_task(database.ask(0))
    await database.until_asked(1)
    second = asyncio.create_task(database.ask(1))
    others = [asyncio.create_task(database.ask_when_answered(number)) for number in range(2, 50)]
    await asyncio.sleep(0.05)
    for _ in range(50):
        database.let.release()

    await asyncio.gather(first, second, *others)

    assert database.asked == [1, 1, 48]
