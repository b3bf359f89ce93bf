"""One statement a second keeps this process's leases, and says what has become of its turns."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from neo.db import Database
from neo.turns.end import Ending
from neo.turns.leases.claim import LEASE, release_turn
from neo.turns.leases.lease import REACHED_SECONDS, RENEW_SECONDS, SILENT_SECONDS, Leases, Renewal
from neo.turns.leases.places import Places
from neo.turns.models import ChatTurn, TurnStatus
from turns.conftest import Engines
from turns.driving import LATE_SECONDS, Process
from turns.stage import MINUTE, Stage, ago, call_row, calls_segment, input_of, still

SOON = timedelta(seconds=1)


async def renew(process: Process) -> None:
    await process.renewal._renew()
    # What was found is handed to the main loop.
    await asyncio.sleep(0.01)


async def lease_of(stage: Stage, turn: ChatTurn) -> timedelta:
    """How long the turn's lease lasts from now."""
    found = (await stage.turn(turn)).claimable_at
    assert found is not None
    return found - ago(timedelta(0))


async def test_a_lease_is_renewed_however_late_as_long_as_nobody_has_claimed(
    stage: Stage, process: Process
) -> None:
    task = await stage.claimed()
    await stage.set(task.turn, claimable_at=ago(MINUTE))

    with process.leases.held(task) as lease:
        await renew(process)

    assert LEASE - SOON < await lease_of(stage, task.turn) <= LEASE
    assert not lease.is_lost


async def test_only_held_turns_are_renewed(stage: Stage, process: Process) -> None:
    other = await stage.another()
    mine, theirs = await stage.claimed(), await other.claimed()
    await other.set(theirs.turn, claimable_at=ago(MINUTE))

    with process.leases.held(mine):
        await renew(process)

    assert await lease_of(other, theirs.turn) < timedelta(0)


async def test_a_locked_row_is_not_waited_for(stage: Stage, process: Process) -> None:
    other = await stage.another()
    locked, free = await stage.claimed(), await other.claimed()
    for one, task in ((stage, locked), (other, free)):
        await one.set(task.turn, claimable_at=ago(MINUTE))
    with process.leases.held(locked) as lease, process.leases.held(free):
        async with stage.database.transaction(stage.tenant_id) as db:
            await db.execute(
                text("SELECT 1 FROM chat_turns WHERE id = :id FOR UPDATE"), {"id": locked.turn.id}
            )
            async with asyncio.timeout(LATE_SECONDS):
                await renew(process)

        assert await lease_of(other, free.turn) > timedelta(0)
        assert await lease_of(stage, locked.turn) < timedelta(0)
        assert not lease.is_lost


async def test_a_lease_that_somebody_else_has_is_lost_and_left_to_them(
    stage: Stage, process: Process
) -> None:
    task = await stage.claimed()
    other = await stage.claim(task.turn)
    driving = asyncio.create_task(held_for_ever(process, task))
    await asyncio.sleep(0)

    await renew(process)

    with pytest.raises(asyncio.CancelledError):
        await driving
    assert (await stage.turn(task.turn)).lease_id == other.lease_id


async def held_for_ever(process: Process, task: object) -> None:
    with process.leases.held(task):  # type: ignore[arg-type]
        await asyncio.Event().wait()


async def test_a_turn_that_has_just_ended_waits_or_was_given_up_is_not_lost(
    stage: Stage, process: Process
) -> None:
    """Its driver is about to send its last event."""
    stages = [stage, *[await stage.another() for _ in range(2)]]
    gated = call_row(gate="APPROVAL")
    ended, waits, released = (
        await stages[0].claimed(),
        await stages[1].asked(gated),
        await stages[2].claimed(),
    )
    with (
        process.leases.held(ended) as one,
        process.leases.held(waits) as two,
        process.leases.held(released) as three,
    ):
        await process.ender.end(input_of(ended.turn), Ending(TurnStatus.COMPLETED, 1, 1, 3))
        noted = {**still(gated), "request_id": uuid4(), "expires_at": ago(-MINUTE)}
        await stages[1].settle(waits, calls_segment(waits=True), done=[noted])
        await release_turn(stage.database, released, timedelta(0), has_failed=False)

        await renew(process)

        assert (await stages[1].turn(waits.turn)).status == "WAITING"
        assert [lease.is_lost for lease in (one, two, three)] == [False] * 3


async def test_a_cancel_that_no_word_brought_is_found_by_the_renewal(stage: Stage, process: Process) -> None:
    other = await stage.another()
    to_stop, goes_on = await stage.claimed(), await other.claimed()
    with process.leases.held(to_stop) as one, process.leases.held(goes_on) as two:
        await stage.cancel(to_stop.turn)
        await renew(process)

        assert (one.cancelled.is_set(), two.cancelled.is_set()) == (True, False)


async def test_who_drives_a_turn_that_was_ended_meanwhile_stops(stage: Stage, process: Process) -> None:
    task = await stage.claimed()
    with process.leases.held(task) as lease:
        await process.ender.end_unwritten(input_of(task.turn), TurnStatus.CANCELLED)
        await renew(process)

        assert lease.cancelled.is_set()


async def test_who_waits_for_a_turn_hears_that_it_has_ended_waits_or_may_be_claimed(
    stage: Stage, process: Process
) -> None:
    stages = [stage, *[await stage.another() for _ in range(4)]]
    ended, waits = await stages[0].claimed(), await stages[1].waiting(call_row(gate="APPROVAL"))
    passed, driven, released = [await one.claimed() for one in stages[2:]]
    await process.ender.end_unwritten(input_of(ended.turn), TurnStatus.CANCELLED)
    await stages[2].set(passed.turn, claimable_at=ago(SOON))
    await release_turn(stage.database, released, timedelta(0), has_failed=False)
    tasks = (ended, waits, passed, driven, released)
    leases = process.leases
    with (
        leases.joined(ended.turn.id) as one,
        leases.joined(waits.turn.id) as two,
        leases.joined(passed.turn.id) as three,
        leases.joined(driven.turn.id) as four,
        leases.joined(released.turn.id) as five,
    ):
        await renew(process)

        assert [changed.is_set() for changed in (one, two, three, four, five)] == [
            True,
            True,
            True,
            False,
            True,
        ]
    assert len({task.turn.id for task in tasks}) == 5


async def test_two_that_wait_for_one_turn_are_told_alike_and_leave_one_by_one(
    stage: Stage, process: Process
) -> None:
    turn = await stage.claimable()
    with process.leases.joined(turn.id) as one:
        with process.leases.joined(turn.id):
            pass
        await renew(process)
        assert one.is_set()
    assert process.leases.to_renew() == ([], [], [])


async def test_a_process_is_seen_with_its_places_until_it_drains(stage: Stage, process: Process) -> None:
    shown = f"SELECT places FROM turn_processes WHERE id = '{process.renewal._process_id}'"

    await renew(process)
    closed = await stage.value(shown)
    process.places.open()
    await renew(process)
    opened = await stage.value(shown)
    process.places.close()
    await renew(process)

    assert [closed, opened, await stage.value(shown)] == [0, 8, 0]


@asynccontextmanager
async def unreachable(engines: Engines) -> AsyncIterator[None]:
    """PostgreSQL answers no renewal."""
    async with engines.owner.transaction(uuid4()) as owner:
        await owner.execute(text("LOCK TABLE turn_processes IN EXCLUSIVE MODE"))
        yield


async def test_a_process_takes_nothing_over_for_one_lease_after_it_could_not_reach_postgresql(
    engines: Engines, process: Process
) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert not process.renewal.takes_over
    process.renewing()
    await taking_over(process.renewal)
    assert loop.time() - began >= LEASE.total_seconds()

    async with unreachable(engines):
        await asyncio.sleep(RENEW_SECONDS + REACHED_SECONDS + 0.2)
    back = loop.time()
    await asyncio.sleep(0.2)

    assert not process.renewal.takes_over
    await taking_over(process.renewal)
    assert loop.time() - back >= LEASE.total_seconds() - 0.5


async def taking_over(found: Renewal) -> None:
    async with asyncio.timeout(LATE_SECONDS):
        while not found.takes_over:
            await asyncio.sleep(0.05)


async def test_a_process_whose_database_is_away_takes_nothing_over() -> None:
    away = Database("postgresql+asyncpg://neo_app@/neo?host=/nowhere", connections_max=1)
    found = Renewal(away, Leases(), Places(8, 0))

    await found._renew()

    assert not found.takes_over
    await away.aclose()


async def test_a_main_loop_that_hangs_renews_nothing(stage: Stage, process: Process) -> None:
    """Whoever drives in it is as good as dead."""
    task = await stage.claimed()
    await stage.set(task.turn, claimable_at=ago(MINUTE))
    process.renewal._ticked_at -= SILENT_SECONDS
    with process.leases.held(task):
        renewing = asyncio.create_task(process.renewal.run())
        await asyncio.sleep(0.3)
        assert await lease_of(stage, task.turn) < timedelta(0)
        process.renewal._ticked_at += SILENT_SECONDS
        async with asyncio.timeout(LATE_SECONDS):
            while await lease_of(stage, task.turn) < timedelta(0):
                await asyncio.sleep(0.05)
    renewing.cancel()
    await asyncio.gather(renewing, return_exceptions=True)
