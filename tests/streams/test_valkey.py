"""Commands over connections of one's own: each has its own answer, whatever became of those before it."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from events.stage import ValkeyServer, running_valkey
from neo.streams import StreamsUnavailable, Valkey
from neo.streams.valkey import CommandRefused

ANSWER_SECONDS = 1.0


@pytest.fixture
def own_server() -> Iterator[ValkeyServer]:
    with running_valkey() as server:
        yield server


@pytest.fixture
async def own(own_server: ValkeyServer) -> AsyncIterator[Valkey]:
    valkey = Valkey(own_server.url, answer_seconds=ANSWER_SECONDS)
    yield valkey
    await valkey.aclose()


async def test_a_command_that_is_refused_fails_alone(own: Valkey) -> None:
    await own.call("SET", "text", "x")

    answers = await asyncio.gather(
        own.call("ECHO", "a"), own.call("INCR", "text"), own.call("ECHO", "b"), return_exceptions=True
    )

    assert (answers[0], answers[2]) == (b"a", b"b")
    assert isinstance(answers[1], CommandRefused)
    with pytest.raises(CommandRefused):
        await own.call_all([("ECHO", "a"), ("INCR", "text")])
    assert await own.call_all([("ECHO", "c"), ("ECHO", "d")]) == [b"c", b"d"]


async def test_a_server_that_was_restarted_answers_the_next_command(
    own: Valkey, own_server: ValkeyServer
) -> None:
    count = own.script("return redis.call('INCR', KEYS[1])")
    await own.call("PING")
    await own.call_all([("PING",)])
    await count(keys=[b"count"], words=[])

    own_server.kill()
    own_server.start()

    assert await own.call("ECHO", "a") == b"a"
    assert await own.call_all([("ECHO", "b")]) == [b"b"]
    assert await count(keys=[b"another"], words=[]) == 1


async def test_what_was_not_answered_in_time_is_not_taken_for_the_next_answer(
    own: Valkey, own_server: ValkeyServer
) -> None:
    await own.call("PING")
    own_server.pause()
    try:
        with pytest.raises(StreamsUnavailable):
            async with asyncio.timeout(2 * ANSWER_SECONDS):
                await own.call("ECHO", "late")
    finally:
        own_server.resume()

    assert await own.call("ECHO", "next") == b"next"


async def test_who_leaves_takes_nobody_elses_answer_away(own: Valkey, own_server: ValkeyServer) -> None:
    await own.call_all([("PING",)])
    own_server.pause()
    leaving = asyncio.create_task(own.call_all([("ECHO", "left")]))
    await asyncio.sleep(ANSWER_SECONDS / 3)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    own_server.resume()

    assert await own.call_all([("ECHO", "next")]) == [b"next"]


async def test_a_silent_server_keeps_nobody_longer_than_its_bound(
    own: Valkey, own_server: ValkeyServer
) -> None:
    own_server.pause()
    try:
        # They go in three lots, one after the other.
        async with asyncio.timeout(2 * ANSWER_SECONDS):
            waited = await asyncio.gather(*(own.call("PING") for _ in range(300)), return_exceptions=True)
    finally:
        own_server.resume()

    assert all(isinstance(error, StreamsUnavailable) for error in waited)


async def test_a_script_is_sent_again_to_a_server_that_has_forgotten_it(own: Valkey) -> None:
    count = own.script("return redis.call('INCR', KEYS[1])")
    assert await count(keys=[b"count"], words=[]) == 1
    await own.call("SCRIPT", "FLUSH")

    assert await asyncio.gather(*(count(keys=[b"count"], words=[]) for _ in range(3))) == [2, 3, 4]
