"""Temporal away, killed in mid-turn, or without its memory: turns wait, start once, and end."""

import asyncio
import random
from uuid import uuid4

import pytest

from faults.caller import TERMINALS, said
from faults.history import Posted
from faults.world import World
from neo.events import since_cursor
from neo.turns.sweep import RUNNING_AFTER

ACCEPT_SECONDS = 2.0


async def read_all(world: World, posts: list[Posted]) -> None:
    for post in posts:
        reading = await world.caller.read(post.session_id, post.answered.data["since_cursor"])
        assert [event.type for event in reading.seen if event.type in TERMINALS] == ["finish"]


async def test_f18_without_temporal_messages_are_accepted_and_run_in_order_later(world: World) -> None:
    sessions = [await world.caller.open() for _ in range(10)]
    await world.stack.engines["temporal"].kill()

    posts = [await world.caller.say(session) for _ in range(3) for session in sessions]
    slowest = max(post.answered.answered_at - post.answered.sent_at for post in posts)
    with world.recovers_within(15):
        await world.stack.engines["temporal"].start()
        await read_all(world, posts)

    assert slowest < ACCEPT_SECONDS
    rest = await world.judged()
    assert {turn.status for turn in rest.turns} == {"COMPLETED"}
    assert {rest.calls[post.message] for post in posts} == {1}


async def test_f5_many_sweepers_start_each_waiting_turn_once_and_one_of_them_is_killed(world: World) -> None:
    sessions = [await world.caller.open() for _ in range(20)]
    await world.stack.engines["temporal"].kill()
    posts = await asyncio.gather(*(world.caller.insist(session) for session in sessions for _ in range(5)))

    await world.stack.engines["temporal"].start()
    async with asyncio.timeout(20):
        while not any(call["text"] == post.message for call in await world.stack.calls() for post in posts):
            await asyncio.sleep(0.02)
    await world.stack.apis[0].kill()

    for session in sessions:
        await world.caller.read(session, since_cursor(5), api=1)
    rest = await world.judged()
    assert {(turn.status, turn.attempts) for turn in rest.turns} == {("COMPLETED", 1)}
    assert {rest.calls[post.message] for post in posts} == {1}


async def test_f19_temporal_is_killed_in_mid_turn(world: World) -> None:
    session = await world.session("scripted:tokens=60,delay_ms=30")
    posted = await world.caller.say(session)
    reading = await world.caller.read(session, posted.answered.data["since_cursor"], until=said("w10 "))
    waiting = await world.caller.say(session)

    with world.recovers_within(15):
        await world.stack.engines["temporal"].restart()
        await world.caller.read(session, None, reading=reading)
        await read_all(world, [waiting])

    await world.judged()


async def lose_memory(world: World) -> None:
    temporal = world.stack.engines["temporal"]
    await temporal.kill()
    for file in world.stack.plan.folder.path.glob("temporal-*.db*"):
        file.unlink()


async def test_f20_temporal_has_lost_its_memory_and_waiting_turns_are_started_anew(world: World) -> None:
    sessions = [await world.caller.open() for _ in range(5)]
    await lose_memory(world)
    posts = [await world.caller.say(session) for session in sessions]

    with world.recovers_within(10):
        await world.stack.engines["temporal"].start()
        await read_all(world, posts)

    await world.judged()


@pytest.mark.long
async def test_f20_temporal_has_lost_its_memory_of_a_running_turn(world: World) -> None:
    """The slowest recovery of all: nobody but the sweeper's long round finds such a turn."""
    session = await world.session("scripted:tokens=60,delay_ms=30")
    running = await world.caller.say(session)
    await world.caller.read(session, running.answered.data["since_cursor"], until=said("w10 "))
    await lose_memory(world)
    waiting = await world.caller.say(session)

    with world.recovers_within(RUNNING_AFTER.total_seconds() + 15):
        await world.stack.engines["temporal"].start()
        await read_all(world, [running, waiting])

    await world.judged()


@pytest.mark.parametrize("fault", ["cut", "stall"])
async def test_f18_the_line_of_one_api_to_temporal_fails_and_its_turns_start(
    world: World, fault: str
) -> None:
    session = await world.caller.open(api=1)
    line = world.stack.api_lines["temporal"]
    (line.cut if fault == "cut" else line.stall)()

    posted = await world.caller.post(session, f"say {uuid4()}", uuid4().hex, api=1)
    assert posted.answered.status == 202
    with world.recovers_within(5):
        await world.caller.read(session, posted.answered.data["since_cursor"], api=random.randrange(2))

    line.mend()
    assert posted.answered.answered_at - posted.answered.sent_at < ACCEPT_SECONDS
