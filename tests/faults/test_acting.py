"""Whoever drives a turn that acts is killed: what a key makes safe happens once, what it does not happens at most once,
and what is not known is said to be.
"""

import asyncio
import os
import random
import time
from uuid import uuid4

import pytest

from faults.acting import Desk, desk_of, problems
from faults.history import silence_after
from faults.world import World

RECOVERY_SECONDS = 8.0
# How long one of these turns takes on a busy machine.
TURN_SECONDS = 1.5
KILLS = int(os.environ.get("KILLS", "2"))
TURNS_A_KILL = 4

pytestmark = [pytest.mark.usefixtures("shape"), pytest.mark.timeout(60 + 30 * KILLS)]


async def test_effects_are_made_once_or_are_known_not_to_be_known_however_often_workers_die(
    world: World,
) -> None:
    async with desk_of(world) as desk:
        for _ in range(KILLS):
            await _some_turns_and_a_kill(desk)
            await world.stack.whole()
        rest = await world.judged()
        assert {turn.status for turn in rest.turns} == {"COMPLETED"}
        assert not await problems(desk)


# The drain waits for a second. How long a call takes, what it is, how it ends, and how often it was begun and had
# its effect.
STOPPED = [(3, "READ", "OK", 2, 1), (0.5, "WRITE", "OK", 1, 1), (20, "WRITE", "UNKNOWN", 1, 0)]


@pytest.mark.parametrize(("seconds", "effect", "status", "attempts", "effects"), STOPPED)
async def test_f29_a_worker_that_is_asked_to_stop_leaves_what_reads_and_waits_for_effects_as_long_as_it_may(
    world: World, seconds: float, effect: str, status: str, attempts: int, effects: int
) -> None:
    async with desk_of(world) as desk:
        await desk.sent("PATCH", f"/public-api/connections/{desk.connection_id}/tools/slow", effect=effect)
        model = f'call=desk__slow{{"seconds":{seconds},"text":"x"}},tokens=3'
        posted = await world.caller.say(await desk.session_of(model))
        await desk.stage.calls(at_least=1)
        worker = await world.stack.driver_of(str(posted.turn_id))
        stopping = asyncio.create_task(worker.terminate())

        reading = await world.caller.read(posted.session_id, posted.since)
        await stopping

        [call] = await desk.calls()
        assert (call.status, call.attempts, len(await desk.stage.effects())) == (status, attempts, effects)
        assert reading.terminals == ["finish"]
        [turn] = (await world.judged()).turns
        assert (turn.status, turn.attempts) == ("COMPLETED", 1)


async def _some_turns_and_a_kill(desk: Desk) -> None:
    world, caller = desk.world, desk.world.caller
    sessions = await asyncio.gather(*(desk.session(uuid4().hex[:12]) for _ in range(TURNS_A_KILL)))
    posted = [await caller.insist(session) for session in sessions]
    reading = [asyncio.create_task(caller.read(post.session_id, post.since)) for post in posted]
    await asyncio.sleep(random.random() * TURN_SECONDS)
    victim = random.choice(world.stack.workers)
    await victim.kill()
    died_at = time.time()
    for seen in await asyncio.gather(*reading):
        world.recovered(silence_after(seen, died_at), RECOVERY_SECONDS)
        assert seen.terminals == ["finish"]
