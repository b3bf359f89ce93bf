"""How long a session is heard after its last reader has left."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from events.stage import PATIENCE_SECONDS, ValkeyServer
from neo.events import Hub
from neo.events.entry import stream_key
from neo.events.subscriptions import LINGERING_MAX
from neo.streams import Valkey

LINGER_SECONDS = 0.3


@pytest.fixture
async def hub(valkey: Valkey) -> AsyncIterator[Hub]:
    async with Hub(valkey, linger_seconds=LINGER_SECONDS) as hub:
        await up(hub)
        yield hub


async def up(hub: Hub) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not all(line.is_up for line in hub._lines):
            await asyncio.sleep(0.01)


async def subscribers(valkey: Valkey, session_id: UUID) -> int:
    _, count = await valkey.call("PUBSUB", "NUMSUB", stream_key(session_id))
    return int(count)


async def looked_at(hub: Hub, session_id: UUID) -> None:
    async with hub.watch(session_id):
        pass


async def test_a_session_is_heard_for_a_while_after_its_last_reader(hub: Hub, valkey: Valkey) -> None:
    session_id = uuid4()
    await looked_at(hub, session_id)
    await asyncio.sleep(LINGER_SECONDS / 2)
    assert await subscribers(valkey, session_id) == 1
    assert hub.watched_sessions == 0
    # Each new reader begins the while anew.
    await looked_at(hub, session_id)
    await asyncio.sleep(LINGER_SECONDS * 2 / 3)
    assert await subscribers(valkey, session_id) == 1

    await asyncio.sleep(LINGER_SECONDS)
    await hub.settle()
    assert await subscribers(valkey, session_id) == 0
    assert hub.since(session_id) is None


async def test_a_session_that_is_watched_again_stays(hub: Hub, valkey: Valkey) -> None:
    session_id = uuid4()
    await looked_at(hub, session_id)
    async with hub.watch(session_id) as watch:
        await asyncio.sleep(2 * LINGER_SECONDS)
        watch.take_nudged()
        await valkey.call("PUBLISH", stream_key(session_id), b"n")
        await hub.settle()
        assert watch.take_nudged()


async def test_a_session_that_is_expected_is_heard_before_it_is_watched(
    hub: Hub, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neo.events.subscriptions.EXPECTED_SECONDS", LINGER_SECONDS)
    session_id, another = uuid4(), uuid4()
    for one in (session_id, session_id, another):
        hub.expect(one)
    await hub.settle()
    assert await subscribers(valkey, session_id) == 1
    assert hub.watched_sessions == 0
    assert hub.since(session_id) is not None

    async with hub.watch(session_id):
        await asyncio.sleep(2 * LINGER_SECONDS)
        await hub.settle()
        assert await subscribers(valkey, session_id) == 1
        # Nobody came for the other one.
        assert await subscribers(valkey, another) == 0


async def test_what_is_nudged_for_nobody_is_known_to_whoever_comes(hub: Hub, valkey: Valkey) -> None:
    session_id = uuid4()
    hub.expect(session_id)
    await hub.settle()
    since = hub.since(session_id)
    assert since is not None
    assert since.has_held

    await valkey.call("PUBLISH", stream_key(session_id), b"n")
    await hub.settle()
    assert not since.has_held


async def test_no_more_sessions_than_its_bound_are_heard_for_nobody(valkey: Valkey) -> None:
    async with Hub(valkey) as hub:
        await up(hub)
        sessions = [uuid4() for _ in range(LINGERING_MAX + 10)]
        await asyncio.gather(*(looked_at(hub, session_id) for session_id in sessions))
        hub.expect(uuid4())
        assert len(hub._topics) == LINGERING_MAX
        await hub.settle()
        heard = [await subscribers(valkey, session_id) for session_id in sessions]

    assert sum(heard) == LINGERING_MAX


async def test_what_was_not_heard_yet_is_left_at_once(valkey_server: ValkeyServer) -> None:
    valkey = Valkey(valkey_server.url)
    # Nobody has opened it, so nothing is heard.
    hub = Hub(valkey)
    session_id = uuid4()
    await looked_at(hub, session_id)

    assert hub.since(session_id) is None
    assert not hub._topics
    await valkey.aclose()
