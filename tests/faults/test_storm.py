"""Everything at once: load, and processes and engines that go and come back while it lasts."""

import asyncio
import os
import random
import time
from collections import Counter
from itertools import chain

import pytest

from faults.load import Load, under_load
from faults.running import Running
from faults.world import World

ANSWER = "scripted:tokens=10,delay_ms=20"
# Long enough that some tail is open whenever a process is told to stop.
LONG_ANSWER = "scripted:tokens=60,delay_ms=20"
KILL_EVERY_SECONDS = 3.0
SHUTDOWN_SECONDS = 12.0
# So many read before anything is stopped that hardly any of the processes has none of them.
READERS_MIN = 3
# For what comes at once where the machine does.
PATIENCE_SECONDS = 40


def told(load: Load) -> Counter[str]:
    """How readers' connections ended."""
    return Counter(end for reading in load.world.history.readings for end in reading.ends)


async def kill_in_turns(workers: list[Running], until: float) -> int:
    """One worker after the other, without waiting for the one before to be back."""
    kills = 0
    while time.monotonic() < until:
        worker = next((one for one in chain(workers[kills % 3 :], workers) if one.is_up), None)
        if worker is not None:
            await worker.kill()
            worker.start_soon()
            kills += 1
        await asyncio.sleep(KILL_EVERY_SECONDS)
    return kills


async def workers_die_for(world: World, seconds: float) -> None:
    async with under_load(world, sessions=20, per_second=10, seconds=seconds, model=ANSWER) as load:
        kills = await kill_in_turns(world.stack.workers, time.monotonic() + seconds)

    assert kills >= seconds / KILL_EVERY_SECONDS - 2
    rest = await world.judged()
    assert len(rest.turns) == len(load.posted)
    assert {turn.status for turn in rest.turns} == {"COMPLETED"}


async def test_f6_a_worker_dies_every_three_seconds_under_load_and_every_turn_ends(world: World) -> None:
    await workers_die_for(world, 9)


@pytest.mark.long
async def test_f6_a_worker_dies_every_three_seconds_for_a_minute(world: World) -> None:
    await workers_die_for(world, 60)


async def test_f33_f34_a_rolling_restart_under_load_loses_and_repeats_nothing(world: World) -> None:
    tails: list[float] = []
    async with under_load(world, sessions=10, per_second=4, seconds=6, model=LONG_ANSWER) as load:
        await some_read(world)
        for process in (*world.stack.apis, world.stack.workers[0]):
            began = time.monotonic()
            await process.terminate()
            tails.append(time.monotonic() - began)
            await process.start()

    world.recovered(max(tails), SHUTDOWN_SECONDS)
    # A tail that was open said when to come back; none was just cut.
    assert told(load)["retry"] > 0
    rest = await world.judged()
    assert len(rest.turns) == len(load.posted)
    assert {turn.status for turn in rest.turns} == {"COMPLETED"}


async def some_read(world: World) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while sum(bool(one.seen and not one.ends) for one in world.history.readings) < READERS_MIN:
            await asyncio.sleep(0.02)


async def test_f33_an_api_that_is_asked_to_stop_answers_what_it_has_taken(world: World) -> None:
    session = await world.session("scripted:tokens=100,delay_ms=30")
    opened = [await world.caller.open() for _ in range(50)]
    posted = await world.caller.say(session)
    tails = [asyncio.create_task(world.caller.read(session, posted.since, api=0)) for _ in range(20)]
    async with asyncio.timeout(PATIENCE_SECONDS):
        while any(not reading.seen for reading in world.history.readings) or len(world.history.readings) < 20:
            await asyncio.sleep(0.02)

    # All of them are held at the commit, so that they are certainly under way.
    world.stack.points.arm("before_commit", "wait")
    posts = [asyncio.create_task(world.caller.post(one, "Hello")) for one in opened]
    await world.stack.points.taken("before_commit")
    stopping = asyncio.create_task(world.stack.apis[0].terminate())
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not all(reading.ends for reading in world.history.readings):
            await asyncio.sleep(0.02)
    world.stack.points.release("before_commit")
    answers = [await post for post in posts]
    with world.recovers_within(SHUTDOWN_SECONDS):
        await stopping
    await world.stack.apis[0].start()
    readings = await asyncio.gather(*tails)

    # Refused is answered too; a connection that was never taken may come again elsewhere.
    assert {post.answered.status for post in answers} <= {202, 503, 0}
    accepted = [post for post in answers if post.answered.status == 202]
    assert accepted
    assert {reading.ends[0] for reading in readings} == {"retry"}
    rest = await world.judged()
    # What was not answered was not stored either.
    assert len(rest.turns) == len(accepted) + 1


async def nemesis(world: World, seconds: float, chance: random.Random) -> list[str]:
    """One fault after the other, each healed before the next; which they were."""
    stack = world.stack
    blows: list[str] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        target = chance.choice([*stack.processes, *stack.engines.values()])
        how = chance.choice(["kill", "freeze", "stop"] if target in stack.processes else ["kill", "freeze"])
        if target.name == "scripted":
            continue
        blows.append(f"{how} {target.name}")
        if how == "freeze":
            target.freeze()
            await asyncio.sleep(chance.uniform(0.2, 3.0))
            target.thaw()
        else:
            await (target.kill() if how == "kill" else target.terminate())
            await asyncio.sleep(chance.uniform(0.0, 1.5))
            await target.start()
        await asyncio.sleep(chance.uniform(0.0, 1.0))
    return blows


async def storm(world: World, seconds: float, per_second: float) -> None:
    seed = int(os.environ.get("FAULTS_SEED") or random.randrange(1_000_000))
    chance = random.Random(seed)
    blows: list[str] = []
    try:
        async with under_load(
            world, sessions=15, per_second=per_second, seconds=seconds, model=ANSWER
        ) as load:
            blows = await nemesis(world, seconds, chance)
            await world.stack.whole()
        rest = await world.judged()
    except BaseException as error:
        error.add_note("\n  ".join((f"FAULTS_SEED={seed}", *blows)))
        raise
    assert len(rest.turns) == len(load.posted)


async def test_a_nemesis_breaks_what_it_likes_and_every_promise_holds(world: World) -> None:
    await storm(world, 12, 5)


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_a_nemesis_breaks_what_it_likes_for_minutes(world: World) -> None:
    await storm(world, float(os.environ.get("FAULTS_SECONDS") or 180), 8)
