import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import pytest

from events.client import PATIENCE_SECONDS
from events.stage import Session, ValkeyServer, opened, running_valkey
from neo.events import EventLog
from neo.streams import StreamsUnavailable, Valkey


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[ValkeyServer]:
    """Shared by the tests, each in sessions of its own; who kills one has one of their own."""
    with running_valkey() as server:
        yield server


@pytest.fixture(scope="session")
async def engine(valkey_server: ValkeyServer) -> AsyncIterator[tuple[Valkey, EventLog]]:
    async with opened(valkey_server.url) as (valkey, events):
        await _heard(events)
        yield valkey, events


async def _heard(events: EventLog) -> None:
    """Who counts tasks counts those that listen to Valkey with what was there before."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            with suppress(StreamsUnavailable):
                return await events.subscriptions.drain()
            await asyncio.sleep(0.01)


@pytest.fixture
def valkey(engine: tuple[Valkey, EventLog]) -> Valkey:
    return engine[0]


@pytest.fixture
def closing() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
def session(engine: tuple[Valkey, EventLog], closing: asyncio.Event) -> Session:
    return Session(engine[1], closing)
