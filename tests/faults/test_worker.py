"""A process that drives turns is frozen, late or stopped in the middle of one, or breaks on it each time."""

import asyncio

import pytest
from sqlalchemy import text

from faults.caller import said
from faults.history import Posted, Reading
from faults.rest import Rest
from faults.running import Running
from faults.world import World

HAND_OVER_SECONDS = 2.0
CLAIMABLE = text(
    "UPDATE chat_turns SET claimable_at = now() WHERE id = :id AND status = 'RUNNING' AND lease_id IS NULL"
)
# Turns that a frozen process had claimed are claimed by others once their lease has passed.
NEW_TURN_SECONDS = 8.0
FROZEN_SECONDS = 10.0
COUNTING = "scripted:tokens=40,delay_ms=25"


async def in_mid_answer(world: World, model: str = COUNTING) -> tuple[Posted, Reading, Running]:
    """A turn that has said half of its words, its reader, and the process that drives it."""
    session = await world.session(model)
    posted = await world.caller.say(session)
    reading = await world.caller.read(session, posted.since, until=said("w20 "))
    return posted, reading, await world.stack.driver_of(str(posted.turn_id))


def one_turn(rest: Rest) -> tuple[str, int]:
    [turn] = rest.turns
    return turn.status, turn.attempts


async def test_f7_a_frozen_worker_thaws_while_another_answers_and_adds_nothing(world: World) -> None:
    posted, reading, frozen = await in_mid_answer(world, "scripted:tokens=200,delay_ms=40")

    frozen.freeze()
    going_on = asyncio.create_task(world.caller.read(posted.session_id, None, reading=reading))
    await asyncio.sleep(FROZEN_SECONDS)
    assert not going_on.done()
    frozen.thaw()
    await going_on

    assert reading.types.count("data-turn-restarted") == 1
    assert reading.terminals == ["finish"]
    rest = await world.judged()
    assert one_turn(rest) == ("COMPLETED", 2)
    assert rest.calls[posted.message] == 2


async def test_f7_a_worker_that_was_only_late_goes_on_with_its_answer(world: World) -> None:
    """Its leases have passed, and the only one that could claim its turn is itself."""
    await asyncio.gather(*(worker.kill() for worker in world.stack.workers))
    # The others give a silent model up sooner than this.
    late = world.stack.another_worker("worker-late", NEO_MODEL_IDLE_SECONDS="30")
    await late.start()
    try:
        session = await world.session(COUNTING)
        posted = await world.caller.say(session)
        reading = await world.caller.read(session, posted.since, until=said("w20 "))
        late.freeze()
        await asyncio.sleep(FROZEN_SECONDS / 2)
        late.thaw()
        await world.caller.read(session, None, reading=reading)
    finally:
        await late.stop()

    assert reading.terminals == ["finish"]
    assert "data-turn-restarted" not in reading.types
    rest = await world.judged()
    assert one_turn(rest) == ("COMPLETED", 1)
    assert rest.calls[posted.message] == 1


async def test_f7_new_turns_are_not_kept_waiting_by_a_frozen_worker(world: World) -> None:
    sessions = [await world.caller.open() for _ in range(10)]
    world.stack.workers[0].freeze()

    with world.recovers_within(NEW_TURN_SECONDS):
        posts = [await world.caller.say(session) for session in sessions]
        for post in posts:
            await world.caller.read(post.session_id, post.since)

    assert {turn.status for turn in (await world.judged()).turns} == {"COMPLETED"}


async def test_f9_a_poisoned_turn_fails_with_a_code_and_others_are_served(world: World) -> None:
    session, other = await world.caller.open(), await world.caller.open()
    world.stack.points.arm("before_end", "raise")
    posted = await world.caller.say(session)
    for _ in range(5):
        await world.stack.points.taken("before_end")
        world.stack.points.arm("before_end", "raise")
        await claimable_at_once(world, str(posted.turn_id))
    await world.stack.points.taken("before_end")
    healthy = await world.caller.say(other)
    await claimable_at_once(world, str(posted.turn_id))

    readings = [await world.caller.read(one.session_id, one.since) for one in (posted, healthy)]

    assert [reading.terminals for reading in readings] == [["error"], ["finish"]]
    rest = await world.judged()
    failed = rest.turn(str(posted.turn_id))
    assert failed is not None
    assert (failed.status, failed.error_code) == ("FAILED", "turn_lost")
    assert rest.calls[posted.message] == 6


async def claimable_at_once(world: World, turn_id: str) -> None:
    """As if the time between two attempts had passed: the last of them waits for sixteen seconds."""
    async with asyncio.timeout(40):
        while True:
            async with world.stack.database.transaction(world.tenant_id) as db:
                if (await db.execute(CLAIMABLE, {"id": turn_id})).rowcount:  # type: ignore[attr-defined]
                    return
            await asyncio.sleep(0.02)


async def test_f34_a_worker_is_asked_to_stop_and_hands_its_turn_over(world: World) -> None:
    # Longer than the drain, so that it cannot be waited for.
    posted, reading, worker = await in_mid_answer(world, "scripted:tokens=120,delay_ms=25")

    stopping = asyncio.create_task(worker.terminate())
    await world.caller.read(posted.session_id, None, reading=reading)
    await stopping

    world.recovered(reading.gap_seconds, HAND_OVER_SECONDS)
    assert reading.types.count("data-turn-restarted") == 1
    assert reading.terminals == ["finish"]
    # Nothing has failed.
    assert one_turn(await world.judged()) == ("COMPLETED", 1)


async def test_f34_a_worker_that_is_asked_to_stop_hands_over_between_two_segments(world: World) -> None:
    posted, reading, worker = await in_mid_answer(world, "scripted:tokens=25,delay_ms=25,rounds=2")

    stopping = asyncio.create_task(worker.terminate())
    await world.caller.read(posted.session_id, None, reading=reading)
    await stopping

    world.recovered(reading.gap_seconds, HAND_OVER_SECONDS)
    assert reading.terminals == ["finish"]
    rest = await world.judged()
    assert one_turn(rest) == ("COMPLETED", 1)
    assert rest.calls[posted.message] == 3


async def test_f34_a_worker_that_can_finish_within_the_drain_does(world: World) -> None:
    posted, reading, worker = await in_mid_answer(world, "scripted:tokens=30,delay_ms=25")

    stopping = asyncio.create_task(worker.terminate())
    await world.caller.read(posted.session_id, None, reading=reading)
    await stopping

    assert reading.terminals == ["finish"]
    assert "data-turn-restarted" not in reading.types
    assert one_turn(await world.judged()) == ("COMPLETED", 1)


async def reset(world: World, session: str) -> None:
    answered = await world.caller.call("POST", f"/public-api/chat/sessions/{session}/reset")
    assert answered.status == 200


@pytest.mark.parametrize(
    ("point", "end"), [("before_end", "abort"), ("after_end", "finish"), ("after_terminal", "finish")]
)
async def test_f39_a_reset_races_the_end_and_one_of_them_is_told(world: World, point: str, end: str) -> None:
    session = await world.caller.open()
    world.stack.points.arm(point, "wait")  # type: ignore[arg-type, unused-ignore]
    posted = await world.caller.say(session)
    await world.stack.points.taken(point)

    await reset(world, session)
    refused = await world.caller.post(session, "Too late")
    world.stack.points.release(point)
    reading = await world.caller.read(session, posted.since)

    assert reading.terminals == [end]
    assert (refused.answered.status, refused.answered.code) == (409, "session_archived")
    assert one_turn(await world.judged())[0] == {"abort": "CANCELLED", "finish": "COMPLETED"}[end]


async def test_f39_resets_race_posts_and_every_accepted_message_has_one_end(world: World) -> None:
    sessions = [await world.caller.open() for _ in range(8)]

    async def race(session: str) -> list[Posted]:
        posts = [asyncio.create_task(world.caller.post(session, f"{session} {n}")) for n in range(6)]
        resetting = asyncio.create_task(reset(world, session))
        await resetting
        return [await post for post in posts]

    posted = [
        post for posts in await asyncio.gather(*(race(session) for session in sessions)) for post in posts
    ]
    for post in posted:
        if post.answered.status == 202:
            await world.caller.read(post.session_id, post.since)

    assert {post.answered.code for post in posted} <= {None, "session_archived"}
    await world.judged()
