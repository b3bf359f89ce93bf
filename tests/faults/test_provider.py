"""A provider that refuses, hangs or breaks off: tried again in time, or failed with its code, never half an answer."""

import socket
from itertools import pairwise

import pytest

from faults.rest import Rest
from faults.stack import IDLE_SECONDS
from faults.world import World

# Two waits for a silent provider, and what lies between them.
SILENCE_SECONDS = 2 * IDLE_SECONDS + 6


async def turn_with(world: World, scenario: str) -> tuple[str, Rest]:
    """A turn with this model: how readers were told that it ended, and what is left."""
    session = await world.session(f"scripted:{scenario}")
    posted = await world.caller.say(session)
    reading = await world.caller.read(session, posted.since)
    [end] = reading.terminals
    return end, await world.judged()


async def test_f21_a_provider_that_is_busy_is_asked_again_when_it_said(world: World) -> None:
    with world.recovers_within(8):
        end, rest = await turn_with(world, "tokens=5,status=429,retry_after=1,times=2,key=busy")

    times = [call["at"] for call in await world.stack.calls() if call["text"] == rest.messages[0].text]
    assert (end, len(times)) == ("finish", 3)
    assert all(after - before >= 1 for before, after in pairwise(times))


async def test_f21_a_provider_that_stays_busy_fails_the_turn(world: World) -> None:
    end, rest = await turn_with(world, "status=429,retry_after=1")

    assert (end, rest.turns[0].error_code) == ("error", "provider_rate_limited")
    assert rest.calls[rest.messages[0].text] == 3


@pytest.mark.parametrize("status", [500, 529])
async def test_f22_a_provider_that_is_down_is_asked_again(world: World, status: int) -> None:
    end, rest = await turn_with(world, f"tokens=5,status={status},times=1,key=down{status}")

    assert (end, rest.turns[0].attempts) == ("finish", 2)


async def test_f22_a_provider_that_refuses_connections_fails_the_turn(world: World) -> None:
    with world.recovers_within(10):
        await world.stack.engines["scripted"].kill()
        session = await world.caller.open()
        posted = await world.caller.say(session)
        reading = await world.caller.read(session, posted.since)
    await world.stack.engines["scripted"].start()

    assert reading.seen[-1].type == "error"
    rest = await world.judged()
    assert (rest.turns[0].status, rest.turns[0].error_code) == ("FAILED", "provider_unavailable")


async def test_f22_a_provider_comes_back_between_two_attempts(world: World) -> None:
    """A listener that hangs up takes its port until the real one is back."""
    scripted = world.stack.engines["scripted"]
    await scripted.kill()
    port = int(world.stack.addresses.scripted_model_url.rpartition(":")[2].partition("/")[0])
    with socket.create_server(("127.0.0.1", port)):
        session = await world.caller.open()
        posted = await world.caller.say(session)
    await scripted.start()

    reading = await world.caller.read(session, posted.since)

    assert reading.seen[-1].type == "finish"


@pytest.mark.parametrize("after", [0, 5])
async def test_f23_a_provider_that_hangs_is_given_up_and_asked_again(world: World, after: int) -> None:
    with world.recovers_within(SILENCE_SECONDS):
        end, rest = await turn_with(world, f"tokens=10,hang_after={after},times=1,key=hang{after}")

    assert (end, rest.turns[0].attempts) == ("finish", 2)


@pytest.mark.parametrize("how", ["half=10", "failed_after=10"])
async def test_f24_an_answer_that_breaks_off_is_never_stored_as_whole(world: World, how: str) -> None:
    end, rest = await turn_with(world, f"tokens=20,{how}")

    assert end == "error"
    assert [message.role for message in rest.messages] == ["user"]


@pytest.mark.parametrize("how", ["half=10", "reset=10"])
async def test_f24_an_answer_that_breaks_off_once_is_said_again_whole(world: World, how: str) -> None:
    end, rest = await turn_with(world, f"tokens=20,{how},times=1,key={how[:-3]}")

    assert end == "finish"
    assert rest.messages[1].text == "".join(f"w{number} " for number in range(1, 21))
