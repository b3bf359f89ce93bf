"""A process is subscribed to a session exactly as long as somebody there reads it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import UUID, uuid4

import pytest

from events.client import PATIENCE_SECONDS
from events.stage import ValkeyServer, running_valkey
from neo.events import Subscriptions
from neo.events.entry import WAKE_UP, stream_key
from neo.streams import Valkey

CONFIRM_SECONDS = 0.3


@pytest.fixture
def own_server() -> Iterator[ValkeyServer]:
    with running_valkey() as server:
        yield server


@pytest.fixture
async def subscriptions(valkey: Valkey) -> AsyncIterator[Subscriptions]:
    async with Subscriptions(valkey) as subscriptions:
        await up(subscriptions)
        yield subscriptions


async def up(subscriptions: Subscriptions) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not subscriptions.are_up:
            await asyncio.sleep(0.01)


async def subscribers(valkey: Valkey, session_id: UUID) -> int:
    _, count = await valkey.call("PUBSUB", "NUMSUB", stream_key(session_id))
    return int(count)


async def wake(valkey: Valkey, session_id: UUID) -> None:
    await valkey.call("PUBLISH", stream_key(session_id), WAKE_UP)


async def test_what_is_published_after_subscribing_is_received(
    subscriptions: Subscriptions, valkey: Valkey
) -> None:
    session_id = uuid4()

    subscription = await subscriptions.subscribe(session_id)
    await wake(valkey, session_id)
    await subscriptions.drain()

    assert subscription.was_confirmed
    assert not subscription.take_missed()
    assert subscription.take_woken_to_look()
    subscription.close()


async def test_the_last_reader_that_leaves_unsubscribes(subscriptions: Subscriptions, valkey: Valkey) -> None:
    session_id = uuid4()
    one, two = [await subscriptions.subscribe(session_id) for _ in range(2)]
    assert (await subscribers(valkey, session_id), subscriptions.sessions) == (1, 1)

    one.close()
    one.close()
    await subscriptions.drain()
    assert await subscribers(valkey, session_id) == 1
    two.close()
    await subscriptions.drain()

    assert (await subscribers(valkey, session_id), subscriptions.sessions) == (0, 0)


async def test_who_comes_while_the_last_one_leaves_is_subscribed(
    subscriptions: Subscriptions, valkey: Valkey
) -> None:
    session_id = uuid4()
    for _ in range(20):
        (await subscriptions.subscribe(session_id)).close()

    subscription = await subscriptions.subscribe(session_id)
    await wake(valkey, session_id)
    await subscriptions.drain()

    assert subscription.was_confirmed
    assert subscription.take_woken_to_look()
    subscription.close()


async def test_whoever_is_cancelled_while_it_subscribes_leaves_nothing(own_server: ValkeyServer) -> None:
    valkey = Valkey(own_server.url)
    async with Subscriptions(valkey) as subscriptions:
        await up(subscriptions)
        own_server.pause()
        subscribing = asyncio.create_task(subscriptions.subscribe(uuid4()))
        await asyncio.sleep(0.05)
        subscribing.cancel()
        await asyncio.gather(subscribing, return_exceptions=True)
        own_server.resume()

        assert subscriptions.sessions == 0
    await valkey.aclose()


async def test_a_silent_server_keeps_a_reader_only_so_long(own_server: ValkeyServer) -> None:
    valkey = Valkey(own_server.url)
    async with Subscriptions(valkey, confirm_seconds=CONFIRM_SECONDS) as subscriptions:
        await up(subscriptions)
        own_server.pause()
        async with asyncio.timeout(PATIENCE_SECONDS):
            subscription = await subscriptions.subscribe(uuid4())
        assert not subscription.was_confirmed
        own_server.resume()

        # Once it is subscribed, whatever was published before may have been missed.
        async with asyncio.timeout(PATIENCE_SECONDS):
            await subscription.wait()
        assert subscription.take_missed()
        subscription.close()
    await valkey.aclose()


@pytest.mark.parametrize("turns", range(12))
async def test_whoever_ends_while_something_is_sent_ends_at_once(valkey: Valkey, turns: int) -> None:
    subscriptions = Subscriptions(valkey)
    async with asyncio.timeout(PATIENCE_SECONDS), subscriptions:
        await up(subscriptions)
        (await subscriptions.subscribe(uuid4())).close()
        # The driver is at another step of its writing each time.
        for _ in range(turns):
            await asyncio.sleep(0)


@pytest.mark.parametrize("turns", range(12))
async def test_whoever_ends_while_it_connects_ends_at_once(valkey: Valkey, turns: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS), Subscriptions(valkey):
        for _ in range(turns):
            await asyncio.sleep(0.0005)


async def test_without_a_server_nobody_waits(own_server: ValkeyServer) -> None:
    valkey = Valkey(own_server.url)
    own_server.kill()
    async with Subscriptions(valkey, confirm_seconds=10 * PATIENCE_SECONDS) as subscriptions:
        async with asyncio.timeout(PATIENCE_SECONDS):
            subscription = await subscriptions.subscribe(uuid4())

        assert not subscription.was_confirmed
        subscription.close()
        assert subscriptions.sessions == 0
    await valkey.aclose()
