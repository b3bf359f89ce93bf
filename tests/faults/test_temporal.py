"""Temporal away, or without its memory: turns are driven all the same, whatever they wait for."""

import asyncio

import pytest

from faults.caller import in_segment
from faults.history import Posted, Reading, Seen
from faults.world import World

ACCEPT_SECONDS = 1.0
END_SECONDS = 5.0


async def read_all(world: World, posts: list[Posted]) -> None:
    for post in posts:
        reading = await world.caller.read(post.session_id, post.since)
        assert reading.terminals == ["finish"]


async def test_f5_turns_that_wait_for_a_place_are_claimed_once_each_and_run_in_order(world: World) -> None:
    """Three workers look at the same rows, and an API that has accepted them dies."""
    sessions = [await world.caller.open() for _ in range(20)]
    posts = await asyncio.gather(*(world.caller.insist(session) for session in sessions for _ in range(5)))
    await world.stack.apis[0].kill()

    await asyncio.gather(*(world.caller.read(post.session_id, post.since, api=1) for post in posts))
    rest = await world.judged()
    assert {(turn.status, turn.attempts) for turn in rest.turns} == {("COMPLETED", 1)}
    assert {rest.calls[post.message] for post in posts} == {1}


async def lose_memory(world: World) -> None:
    temporal = world.stack.engines["temporal"]
    await temporal.kill()
    for file in world.stack.plan.folder.path.glob("temporal-*.db*"):
        file.unlink()


def is_waiting(event: Seen) -> bool:
    return event.type == "data-turn-waiting"


async def test_f18_f19_f20_without_temporal_and_its_memory_turns_begin_go_on_and_end(world: World) -> None:
    """One that runs, one that waits for a decision, and new ones, several to a session."""
    running, gated = (
        await world.session("scripted:tokens=20,rounds=2,delay_ms=30"),
        await world.session("scripted:tokens=5,tool=gated"),
    )
    sessions = [await world.caller.open() for _ in range(10)]
    runs, waits = await world.caller.say(running), await world.caller.say(gated)
    waiting = await world.caller.read(gated, waits.since, until=is_waiting)
    reading = await world.caller.read(running, runs.since, until=in_segment(3))

    await lose_memory(world)
    with world.recovers_within(END_SECONDS):
        posts = [await world.caller.say(session) for _ in range(3) for session in sessions]
        await decide_and_read(world, waiting)
        await world.caller.read(running, None, reading=reading)
        await read_all(world, posts)
    await world.stack.engines["temporal"].start()
    after = await world.caller.say(running)
    await read_all(world, [after])

    assert max(post.answered.answered_at - post.answered.sent_at for post in posts) < ACCEPT_SECONDS
    assert "data-turn-restarted" not in reading.types
    rest = await world.judged()
    assert {(turn.status, turn.attempts) for turn in rest.turns} == {("COMPLETED", 1)}
    assert {rest.calls[post.message] for post in posts} == {1}
    assert (rest.calls[runs.message], rest.calls[waits.message]) == (3, 2)


async def decide_and_read(world: World, waiting: Reading) -> None:
    [call_id] = waiting.seen[-1].chunk["data"]["calls"]
    await world.caller.decide(call_id)
    await world.caller.read(waiting.session_id, None, reading=waiting)
    assert waiting.terminals == ["finish"]


@pytest.mark.parametrize("fault", ["cut", "stall"])
async def test_f18_the_only_workers_line_to_temporal_fails_and_its_turns_run(
    world: World, fault: str
) -> None:
    first, second, third = world.stack.workers
    await second.start()
    await asyncio.gather(first.kill(), third.kill())
    session = await world.session("scripted:tokens=5,rounds=2")
    line = world.stack.worker_lines["temporal"]
    (line.cut if fault == "cut" else line.stall)()

    with world.recovers_within(END_SECONDS):
        await read_all(world, [await world.caller.say(session) for _ in range(2)])

    await world.judged()
