"""Turns that wait for a decision: nobody needs to be there while they do, and nothing that they have said is lost."""

import asyncio
import shutil
import time

from sqlalchemy import text

from faults.history import Posted, Reading, Seen
from faults.world import World

WAITING = 20
# From a decision to the turn's next event.
GO_ON_SECONDS = 5.0
# Temporal gives a task to a worker that is gone for up to ten seconds.
WORKFLOWS_END_SECONDS = 30
GATED = "scripted:tokens=5,tool=gated"
CLAIMED = text(
    "SELECT count(*) FROM chat_turns WHERE tenant_id = :tenant "
    "AND (status <> 'WAITING' OR lease_id IS NOT NULL OR claimable_at IS NOT NULL)"
)


def is_waiting(event: Seen) -> bool:
    return event.type == "data-turn-waiting"


async def until_it_waits(world: World, session: str) -> tuple[Posted, Reading]:
    posted = await world.caller.say(session)
    return posted, await world.caller.read(session, posted.since, until=is_waiting)


def call_of(reading: Reading) -> str:
    [call_id] = reading.seen[-1].chunk["data"]["calls"]
    return str(call_id)


async def decided(world: World, reading: Reading) -> float:
    """Decide, and read on to the end; the seconds until the turn went on."""
    began, before = time.time(), len(reading.seen)
    await world.caller.decide(call_of(reading))
    await world.caller.read(reading.session_id, None, reading=reading)
    assert reading.terminals == ["finish"]
    return reading.seen[before].at - began


async def test_f6_f19_turns_that_wait_cost_nothing_and_outlive_the_death_of_everything(world: World) -> None:
    stack = world.stack
    agent = await world.agent(GATED)
    sessions = [await world.caller.open(agent) for _ in range(WAITING)]
    waiting = await asyncio.gather(*(until_it_waits(world, session) for session in sessions))
    async with stack.database.transaction(world.tenant_id) as db:
        assert await db.scalar(CLAIMED, {"tenant": world.tenant_id}) == 0
    # Workers that were killed by the tests before may have left workflows of other turns.
    turns = {posted.turn_id for posted, _ in waiting}
    async with asyncio.timeout(WORKFLOWS_END_SECONDS):
        while await stack.workflows_open() & turns:
            await asyncio.sleep(0.5)

    await asyncio.gather(*(process.kill() for process in stack.processes))
    await asyncio.gather(*(stack.engines[name].kill() for name in ("postgres", "valkey", "temporal")))
    await stack.whole()
    took = await asyncio.gather(*(decided(world, reading) for _, reading in waiting))

    world.recovered(max(took), GO_ON_SECONDS)
    rest = await world.judged()
    assert {(turn.status, turn.attempts) for turn in rest.turns} == {("COMPLETED", 1)}
    assert {rest.calls[posted.message] for posted, _ in waiting} == {2}


async def test_f11_valkey_is_emptied_while_a_turn_waits_and_every_reader_gets_the_whole(world: World) -> None:
    session = await world.session(GATED)
    posted, reading = await until_it_waits(world, session)
    valkey = world.stack.engines["valkey"]

    await valkey.kill()
    shutil.rmtree(world.stack.plan.folder.valkey / "appendonlydir")
    await valkey.start()
    # From before the turn, from each of its events, and from where it waits.
    cut = [Reading(session, posted.since, seen=reading.seen[:n]) for n in range(len(reading.seen))]
    world.history.readings += cut
    for one in cut:
        await world.caller.read(session, None, reading=one, until=is_waiting)
        assert call_of(one) == call_of(reading)
    following = [
        asyncio.create_task(world.caller.read(session, None, reading=one)) for one in (*cut, reading)
    ]
    await world.caller.decide(call_of(reading))
    await asyncio.gather(*following)

    assert "data-stream-reset" not in reading.types
    assert {tuple(one.terminals) for one in (*cut, reading)} == {("finish",)}
    rest = await world.judged()
    assert rest.calls[posted.message] == 2


async def test_f8_the_driver_dies_before_it_says_that_its_turn_waits(world: World) -> None:
    session = await world.session(GATED)
    arming = asyncio.create_task(world.stack.points.arm_the(2, "after_settle", "exit"))
    await asyncio.sleep(0)
    posted = await world.caller.say(session)
    reading = asyncio.create_task(world.caller.read(session, posted.since, until=is_waiting))
    await arming
    await world.stack.points.taken("after_settle")

    with world.recovers_within(GO_ON_SECONDS):
        seen = await reading
    await decided(world, seen)

    rest = await world.judged()
    assert [(turn.status, turn.attempts) for turn in rest.turns] == [("COMPLETED", 1)]
