"""A worker that is killed, frozen or stopped in the middle of a turn, or that breaks on it each time."""

import asyncio
import time
from itertools import pairwise

import psutil  # type: ignore[import-untyped, unused-ignore]
import pytest

from faults.caller import TERMINALS, said
from faults.history import Posted, Reading
from faults.rest import Rest
from faults.running import Running
from faults.world import World

# A turn whose worker died ends within this, its second attempt's own time included.
RECOVERY_SECONDS = 5.0
HAND_OVER_SECONDS = 2.0
# A frozen worker holds what its open polls are given until Temporal takes it back.
NEW_TURN_SECONDS = 8.0
COUNTING = "scripted:tokens=40,delay_ms=25"


async def in_mid_answer(world: World, model: str = COUNTING) -> tuple[Posted, Reading, Running]:
    """A turn that has said half of its words, its reader, and the worker that runs it."""
    session = await world.session(model)
    posted = await world.caller.say(session)
    reading = await world.caller.read(session, posted.answered.data["since_cursor"], until=said("w20 "))
    return posted, reading, await world.stack.worker_of(str(posted.turn_id))


def ends(reading: Reading) -> list[str]:
    return [event.type for event in reading.seen if event.type in TERMINALS]


def one_turn(rest: Rest) -> tuple[str, int]:
    [turn] = rest.turns
    return turn.status, turn.attempts


async def test_f6_a_worker_is_killed_in_mid_answer_and_the_turn_ends_elsewhere(world: World) -> None:
    posted, reading, worker = await in_mid_answer(world)

    with world.recovers_within(RECOVERY_SECONDS):
        await worker.kill()
        await world.caller.read(posted.session_id, None, reading=reading)

    assert "data-turn-restarted" in [event.type for event in reading.seen]
    assert ends(reading) == ["finish"]
    rest = await world.judged()
    assert one_turn(rest) == ("COMPLETED", 2)
    assert rest.calls[posted.message] == 2


async def test_f7_a_frozen_worker_thaws_and_adds_nothing(world: World) -> None:
    posted, reading, worker = await in_mid_answer(world)

    worker.freeze()
    await world.caller.read(posted.session_id, None, reading=reading)
    before = await world.judged()
    worker.thaw()
    await until_idle(worker)

    after = await world.judged()
    assert ends(reading) == ["finish"]
    assert one_turn(after) == ("COMPLETED", 2)
    assert (after.messages, after.streams) == (before.messages, before.streams)


async def test_f7_a_worker_thaws_with_an_old_attempt_in_hand_and_the_turn_is_not_lost(world: World) -> None:
    """The frozen worker was given the next attempt as well, and begins with it when another has the one after."""
    first, *others = world.stack.workers
    # A turn of before, whose end Temporal has not heard of, would be given to the frozen worker's only poll.
    await asyncio.gather(*map(until_idle, world.stack.workers))
    for worker in world.stack.workers:
        await worker.kill()
    # Its poll is a new one: Temporal ends a poll after a minute, and a frozen worker would not ask again.
    await first.start()
    posted, reading, frozen = await in_mid_answer(world, "scripted:tokens=100,delay_ms=40")
    assert frozen is first

    frozen.freeze()
    await world.stack.attempted(str(posted.turn_id), 2)
    await others[0].start()
    restarted = lambda event: event.type == "data-turn-restarted"  # noqa: E731
    await world.caller.read(posted.session_id, None, reading=reading, until=restarted)
    frozen.thaw()
    await world.caller.read(posted.session_id, None, reading=reading)

    assert ends(reading) == ["finish"]
    assert one_turn(await world.judged())[0] == "COMPLETED"


async def test_f7_a_worker_that_was_only_late_goes_on_with_its_answer(world: World) -> None:
    """Temporal gives the turn away, and the only worker is the one that still has it."""
    first, *others = world.stack.workers
    for other in others:
        await other.kill()
    await first.start()
    posted, reading, late = await in_mid_answer(world, "scripted:tokens=400,delay_ms=30")

    late.freeze()
    # Whether a frozen worker's poll takes it is chance; its next one does.
    await world.stack.attempted(str(posted.turn_id), 2, is_given=False)
    late.thaw()
    await world.caller.read(posted.session_id, None, reading=reading)

    assert ends(reading) == ["finish"]
    assert "data-turn-restarted" not in [event.type for event in reading.seen]
    rest = await world.judged()
    assert one_turn(rest) == ("COMPLETED", 1)
    assert rest.calls[posted.message] == 1


async def test_f7_new_turns_are_not_kept_waiting_by_a_frozen_worker(world: World) -> None:
    sessions = [await world.caller.open() for _ in range(10)]
    world.stack.workers[0].freeze()

    with world.recovers_within(NEW_TURN_SECONDS):
        posts = [await world.caller.say(session) for session in sessions]
        for post in posts:
            await world.caller.read(post.session_id, post.answered.data["since_cursor"])

    assert {turn.status for turn in (await world.judged()).turns} == {"COMPLETED"}


async def until_idle(worker: Running) -> None:
    """Until it has nothing to do; a thawed process has then heard that it was overtaken, or had its chance to."""
    process = psutil.Process(worker.pid)
    async with asyncio.timeout(10):
        before = -1.0
        while (now := sum(process.cpu_times()[:2])) - before > 0.02:
            before = now
            await asyncio.sleep(1)


@pytest.mark.parametrize("point", ["after_claim", "before_end", "after_end", "after_terminal"])
async def test_f8_a_worker_dies_around_the_end_and_readers_get_one(world: World, point: str) -> None:
    session = await world.caller.open()
    world.stack.points.arm(point, "exit")  # type: ignore[arg-type, unused-ignore]

    posted = await world.caller.say(session)
    began = time.monotonic()
    reading = await world.caller.read(session, posted.answered.data["since_cursor"])
    world.recovered(time.monotonic() - began, RECOVERY_SECONDS)

    assert ends(reading) == ["finish"]
    late = await world.caller.read(session, posted.answered.data["since_cursor"])
    assert ends(late) == ["finish"]
    rest = await world.judged()
    assert one_turn(rest) == ("COMPLETED", 1 if point in ("after_end", "after_terminal") else 2)


async def test_f9_a_poisoned_turn_fails_with_a_code_and_others_are_served(world: World) -> None:
    session, other = await world.caller.open(), await world.caller.open()
    world.stack.points.arm("after_claim", "raise")
    posted = await world.caller.say(session)
    for _ in range(5):
        await world.stack.points.taken("after_claim")
        world.stack.points.arm("after_claim", "raise")
    await world.stack.points.taken("after_claim")
    healthy = await world.caller.say(other)

    readings = [
        await world.caller.read(one.session_id, one.answered.data["since_cursor"])
        for one in (posted, healthy)
    ]

    assert [ends(reading) for reading in readings] == [["error"], ["finish"]]
    rest = await world.judged()
    failed = rest.turn(str(posted.turn_id))
    assert failed is not None
    assert (failed.status, failed.error_code, failed.attempts) == ("FAILED", "turn_attempts_exhausted", 6)


async def test_f34_a_worker_is_asked_to_stop_and_hands_its_turn_over(world: World) -> None:
    # Longer than the drain, so that it cannot be waited for.
    posted, reading, worker = await in_mid_answer(world, "scripted:tokens=120,delay_ms=25")

    stopping = asyncio.create_task(worker.terminate())
    await world.caller.read(posted.session_id, None, reading=reading)
    await stopping

    gap = max(after.at - before.at for before, after in pairwise(reading.seen))
    world.recovered(gap, HAND_OVER_SECONDS)
    assert ends(reading) == ["finish"]
    status, attempts = one_turn(await world.judged())
    assert status == "COMPLETED"
    assert attempts <= 2


async def test_f34_a_worker_that_can_finish_within_the_drain_does(world: World) -> None:
    posted, reading, worker = await in_mid_answer(world, "scripted:tokens=30,delay_ms=25")

    stopping = asyncio.create_task(worker.terminate())
    await world.caller.read(posted.session_id, None, reading=reading)
    await stopping

    assert ends(reading) == ["finish"]
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
    reading = await world.caller.read(session, posted.answered.data["since_cursor"])

    assert ends(reading) == [end]
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
            await world.caller.read(post.session_id, post.answered.data["since_cursor"])

    assert {post.answered.code for post in posted} <= {None, "session_archived"}
    await world.judged()
