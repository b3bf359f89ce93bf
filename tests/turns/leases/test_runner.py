"""A process fills its places with what may be claimed, and an `advance` waits for whoever drives its turn."""

import asyncio

import pytest

from neo.turns.leases.claim import release_turn
from neo.turns.leases.driver import AT_ONCE, Outcome
from neo.turns.models import ChatTurn
from neo.turns.wake_ups import publish_claimable
from turns.conftest import Engines
from turns.driving import LATE_SECONDS, Process
from turns.stage import MINUTE, Stage, ago, call_row, input_of

pytestmark = pytest.mark.usefixtures("alone")

SLOW = "scripted:tokens=200,delay_ms=50"


async def ended(stage: Stage, turn: ChatTurn) -> ChatTurn:
    async with asyncio.timeout(LATE_SECONDS):
        while (found := await stage.turn(turn)).is_open:
            await asyncio.sleep(0.02)
    return found


async def test_what_is_claimable_is_driven_and_the_sessions_next_turn_after_it(
    stage: Stage, process: Process
) -> None:
    first, second = await stage.claimable(), await stage.queued()

    async with process.running():
        found = [await ended(stage, turn) for turn in (first, second)]

    assert [turn.status for turn in found] == ["COMPLETED"] * 2
    assert found[1].started_at is not None
    assert found[0].ended_at is not None
    assert found[1].started_at >= found[0].ended_at
    assert process.places.most == 8


async def test_more_turns_than_places_are_all_driven_and_never_more_at_once(
    engines: Engines, stage: Stage
) -> None:
    process = Process(engines.database, engines.valkey, engines.models, places=3)
    stages = [await stage.another("scripted:tokens=5,delay_ms=10") for _ in range(12)]
    turns = [await one.claimable() for one in stages]
    most = 0

    async with process.running():
        process.places.look.set()
        waiting = asyncio.gather(*(ended(one, turn) for one, turn in zip(stages, turns, strict=True)))
        while not waiting.done():
            most = max(most, process.places.most - process.places.free)
            await asyncio.sleep(0.002)
        await waiting

    assert most == 3


async def test_a_word_has_a_turn_claimed_at_once(stage: Stage, process: Process) -> None:
    async with process.running():
        await asyncio.sleep(0.1)
        turn = await stage.claimable()
        await publish_claimable(stage.valkey)

        assert (await ended(stage, turn)).status == "COMPLETED"


async def test_without_a_place_nothing_is_claimed(stage: Stage, process: Process) -> None:
    async with process.running():
        process.places.close()
        turn = await stage.claimable()
        await publish_claimable(stage.valkey)
        await asyncio.sleep(1.2)

        assert (await stage.turn(turn)).status == "QUEUED"


async def test_an_advance_drives_a_turn_that_nobody_drives(stage: Stage, process: Process) -> None:
    process.places.open()
    turn = await stage.claimable()

    assert await advanced(process, turn) is Outcome.ENDED

    assert (await stage.turn(turn)).status == "COMPLETED"
    assert process.places.free == process.places.most


async def test_an_advance_of_a_turn_that_has_ended_or_waits_claims_nothing(
    stage: Stage, process: Process
) -> None:
    other = await stage.another()
    done, waits = (
        await stage.queued(status="COMPLETED"),
        (await other.waiting(call_row(gate="APPROVAL"))).turn,
    )

    assert await advanced(process, done) is Outcome.ENDED
    assert await advanced(process, waits) is Outcome.WAITING
    assert (await other.turn(waits)).claim == 0


async def test_an_advance_joins_the_drive_of_its_own_process(stage: Stage, process: Process) -> None:
    here = await stage.another("scripted:tokens=5,delay_ms=50")
    turn = await here.claimable()

    async with process.running():
        while (await here.turn(turn)).status == "QUEUED":
            await asyncio.sleep(0.01)
        assert await advanced(process, turn) is Outcome.ENDED

    assert (await here.turn(turn)).claim == 1


async def test_an_advance_waits_for_another_process_and_takes_no_place_meanwhile(
    stage: Stage, process: Process
) -> None:
    task = await stage.claimed()
    process.places.open()
    process.renewing()
    advancing = asyncio.create_task(process.runner.advance(input_of(task.turn)))
    await asyncio.sleep(1.5)
    assert not advancing.done()
    assert process.places.free == process.places.most

    await release_turn(stage.database, task, AT_ONCE, has_failed=False)

    async with asyncio.timeout(LATE_SECONDS):
        assert await advancing is Outcome.ENDED
    found = await stage.turn(task.turn)
    assert (found.status, found.attempts) == ("COMPLETED", 1)


async def test_a_drain_gives_up_what_still_streams(stage: Stage, process: Process) -> None:
    here = await stage.another(SLOW)
    turn = await here.claimable()
    async with process.running():
        while (await here.turn(turn)).first_token_ms is None and not await here.streamed():
            await asyncio.sleep(0.02)
        process.places.close()
        await process.runner.drain(0.1)

    found = await here.turn(turn)
    assert (found.status, found.lease_id, found.segment_attempts) == ("RUNNING", None, 0)
    assert found.claimable_at is not None


async def test_a_lease_that_has_passed_is_taken_over_once_its_time_is_up(
    stage: Stage, process: Process
) -> None:
    """Nobody renews here, so this process does not know that PostgreSQL has been there."""
    task = await stage.claimed()
    await stage.set(task.turn, claimable_at=ago(MINUTE))
    async with process.running():
        await asyncio.sleep(1)
        assert (await stage.turn(task.turn)).lease_id == task.lease_id
        process.renewing()

        found = await ended(stage, task.turn)

    assert (found.status, found.attempts) == ("COMPLETED", 2)


async def advanced(process: Process, turn: ChatTurn) -> Outcome:
    async with asyncio.timeout(LATE_SECONDS):
        return await process.runner.advance(input_of(turn))


async def test_an_advance_that_comes_as_a_drive_ends_holds_up_nobody(stage: Stage, process: Process) -> None:
    turn = await stage.claimable()
    await stage.claim(turn)
    done = asyncio.create_task(asyncio.sleep(0, Outcome.MORE))
    await done
    # As it is between a drive's last step and what takes it out, in which an `advance` may look.
    process.runner._driving[turn.id] = done

    advance = asyncio.create_task(process.runner.advance(input_of(turn)))
    for _ in range(100):
        await asyncio.sleep(0)

    assert not advance.done()
    advance.cancel()
