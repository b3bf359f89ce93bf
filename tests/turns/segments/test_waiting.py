"""A turn waits for decisions and for calls that run apart; what comes makes it claimable, in whichever order."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from neo.turns.end import TurnEnder
from neo.turns.leases.claim import claim_turn
from neo.turns.resume import Resumer
from neo.turns.sweep import Sweeper
from turns.stage import MINUTE, Stage, ago, asks_for, call_row, calls_segment, done, still

# Longer than a statement takes, and too short for anything to be over by chance.
A_WHILE = 0.2


def gated(position: int = 1) -> dict[str, Any]:
    return call_row(position, "gated", gate="APPROVAL")


def apart(position: int = 1) -> dict[str, Any]:
    return call_row(position, "apart", apart=True)


async def test_a_waiting_turn_has_no_lease_and_nobody_may_claim_it(stage: Stage) -> None:
    call = gated()

    task = await stage.waiting(call)

    found = await stage.turn(task.turn)
    assert (found.status, found.waiting_for, found.segment, found.claim) == ("WAITING", "APPROVAL", 3, 0)
    assert (found.lease_id, found.claimable_at) == (None, None)
    assert await claim_turn(stage.database, found.id, takes_over=True) is None
    assert (await stage.request(call)).status == "PENDING"


async def test_what_says_that_it_waits_is_the_last_event_of_the_segment(stage: Stage) -> None:
    task = await stage.waiting(gated())

    *_, segment = await stage.segments(task.turn)

    assert segment.last_n == calls_segment()["last_n"] + 1
    assert [chunk["type"] for chunk in segment.replay or []] == ["finish-step", "data-turn-waiting"]


@pytest.mark.parametrize(
    ("calls", "waits_for"), [([apart()], "CALL"), ([gated()], "APPROVAL"), ([apart(1), gated(2)], "APPROVAL")]
)
async def test_it_says_what_it_waits_for(stage: Stage, calls: list[dict[str, Any]], waits_for: str) -> None:
    # An id is a call's for good.
    calls = [{**call, "id": f"{call['id']}-{stage.session_id}"} for call in calls]
    task = await stage.waiting(*calls)

    assert (await stage.turn(task.turn)).waiting_for == waits_for


async def test_a_decision_makes_a_waiting_turn_claimable(stage: Stage) -> None:
    call = gated()
    task = await stage.waiting(call)

    assert await stage.decide(call)

    found = await stage.turn(task.turn)
    assert (found.status, found.waiting_for, found.lease_id) == ("RUNNING", None, None)
    again = await claim_turn(stage.database, found.id, takes_over=False)
    assert again is not None
    assert (again.turn.segment, again.turn.claim, again.turn.attempts) == (3, 1, 1)


async def test_a_decision_before_the_settles_lock_keeps_the_turn_running(stage: Stage) -> None:
    """One request is decided; while its segment is written the other one is, too."""
    first, second = gated(1), gated(2)
    task = await stage.waiting(first, second)
    await stage.decide(first)
    task = await stage.claim(task.turn)

    assert await stage.decide(second)
    settled = await stage.settle(task, calls_segment(waits=True), done=[done(first), still(second)])

    assert settled is not None
    assert tuple(settled) == ("RUNNING", 4, 1, None)
    found = await stage.turn(task.turn)
    assert found.lease_id == task.lease_id
    *_, segment = await stage.segments(task.turn)
    assert [chunk["type"] for chunk in segment.replay or []] == ["finish-step"]


async def test_a_decision_that_comes_while_the_settle_has_the_lock_is_seen_too(stage: Stage) -> None:
    """The decision waits for the turn's lock, and finds a turn that waits."""
    first, second = gated(1), gated(2)
    task = await stage.waiting(first, second)
    await stage.decide(first)
    task = await stage.claim(task.turn)
    async with stage.database.transaction(stage.tenant_id) as db:
        await db.execute(text("SELECT 1 FROM chat_turns WHERE id = :id FOR UPDATE"), {"id": task.turn.id})
        settling = asyncio.create_task(
            stage.settle(task, calls_segment(waits=True), done=[done(first), still(second)], begins=False)
        )
        await asyncio.sleep(A_WHILE)
        deciding = asyncio.create_task(stage.decide(second))
        await asyncio.sleep(A_WHILE)
        assert not settling.done()
        assert not deciding.done()
    settled = await settling
    assert await deciding

    assert settled is not None
    assert settled["status"] == "WAITING"
    assert (await stage.turn(task.turn)).status == "RUNNING"
    assert await claim_turn(stage.database, task.turn.id, takes_over=False) is not None


async def test_a_decision_that_was_waiting_for_the_lock_first_is_looked_for_after_it(stage: Stage) -> None:
    """The settle began before the decision was written, and has the lock after it."""
    first, second = gated(1), gated(2)
    task = await stage.waiting(first, second)
    await stage.decide(first)
    task = await stage.claim(task.turn)
    async with stage.database.transaction(stage.tenant_id) as db:
        await db.execute(text("SELECT 1 FROM chat_turns WHERE id = :id FOR UPDATE"), {"id": task.turn.id})
        settling = asyncio.create_task(
            stage.settle(task, calls_segment(waits=True), done=[done(first), still(second)])
        )
        await asyncio.sleep(A_WHILE)
        decided = "UPDATE approval_requests SET status = 'APPROVED' WHERE call_id = :id"
        await db.execute(text(decided), {"id": second["id"]})
    settled = await settling

    assert settled is not None
    assert tuple(settled) == ("RUNNING", 4, 1, None)


async def test_a_decision_races_the_settle_and_is_never_lost(stage: Stage) -> None:
    for _ in range(15):
        first, second = gated(1), gated(2)
        here = await stage.another()
        task = await here.waiting(first, second)
        await here.decide(first)
        task = await here.claim(task.turn)

        await asyncio.gather(
            here.settle(task, calls_segment(waits=True), done=[done(first), still(second)]),
            here.decide(second),
        )

        found = await here.turn(task.turn)
        assert (found.status, found.claimable_at is None) == ("RUNNING", False)


async def test_of_racing_decisions_exactly_one_wins(stage: Stage) -> None:
    call = gated()
    task = await stage.waiting(call)
    wanted = ["APPROVED", "REJECTED", "EXPIRED"] * 3

    taken = await asyncio.gather(*(stage.decide(call, one) for one in wanted))

    assert sum(taken) == 1
    assert (await stage.request(call)).status == wanted[taken.index(True)]
    assert (await stage.turn(task.turn)).status == "RUNNING"


async def test_a_request_that_is_still_open_keeps_the_turn_waiting_again(stage: Stage) -> None:
    first, second = gated(1), gated(2)
    task = await stage.waiting(first, second)
    await stage.decide(first)
    task = await stage.claim(task.turn)

    settled = await stage.settle(task, calls_segment(waits=True), done=[done(first), still(second)])

    assert settled is not None
    assert tuple(settled) == ("WAITING", 4, 0, "APPROVAL")


async def test_the_outcome_of_a_call_apart_makes_the_turn_claimable_once(stage: Stage) -> None:
    call = apart()
    task = await stage.waiting(call)

    assert await stage.end_call(call, output={"found": 3})
    assert not await stage.end_call(call, "FAILED", error_text="Too late.")

    [found] = await stage.calls(task.turn)
    assert (found.status, found.outcome, found.outcome_segment) == ("OK", {"output": {"found": 3}}, None)
    assert (await stage.turn(task.turn)).status == "RUNNING"


async def test_an_outcome_that_comes_while_its_segment_is_written_is_kept(stage: Stage) -> None:
    first, second = apart(1), apart(2)
    task = await stage.waiting(first, second)
    await stage.end_call(first)
    task = await stage.claim(task.turn)
    await stage.end_call(second, output="second")
    [_, before] = await stage.calls(task.turn)

    settled = await stage.settle(
        task, calls_segment(waits=True), done=[done(first), still(second, "RUNNING")]
    )

    [_, found] = await stage.calls(task.turn)
    assert settled is not None
    assert tuple(settled) == ("RUNNING", 4, 1, None)
    assert (found.status, found.outcome, found.outcome_segment) == ("OK", {"output": "second"}, None)
    times = "SELECT dispatched_at <= ended_at FROM tool_calls WHERE id = :id"
    assert before.status == "OK"
    assert await stage.value(times, id=second["id"])


async def test_an_outcome_of_a_call_that_does_not_run_apart_is_not_taken(stage: Stage) -> None:
    call = gated()
    task = await stage.waiting(call)

    assert not await stage.end_call(call)
    assert (await stage.turn(task.turn)).status == "WAITING"


async def test_another_tenant_decides_nothing(stage: Stage) -> None:
    call, neighbour = gated(), await stage.neighbour()
    task = await stage.waiting(call)

    assert not await neighbour.decide(call)
    assert (await stage.turn(task.turn)).status == "WAITING"


async def test_a_request_whose_time_has_passed_expires_and_the_turn_goes_on(stage: Stage) -> None:
    late, soon = gated(), gated()
    task, other = await stage.asked(late), await stage.another()
    waits = await other.waiting(soon)
    await stage.settle(task, calls_segment(waits=True), done=[asks_for(late, ago(MINUTE))])

    await Sweeper(stage.database, stage.valkey, TurnEnder(stage.database, stage.events)).expire_requests()

    assert [(await one.request(call)).status for one, call in ((stage, late), (other, soon))] == [
        "EXPIRED",
        "PENDING",
    ]
    assert (await stage.turn(task.turn)).status == "RUNNING"
    assert (await other.turn(waits.turn)).status == "WAITING"


async def test_what_was_decided_is_not_decided_again_and_no_outcome_is_taken_for_it(stage: Stage) -> None:
    call = gated()
    await stage.waiting(call)
    resumer = Resumer(stage.database, stage.valkey)

    assert await resumer.decide(stage.tenant_id, call["id"], "REJECTED")
    assert not await resumer.decide(stage.tenant_id, call["id"], "APPROVED")
    assert not await resumer.end_call(stage.tenant_id, call["id"], {"output": 1})


async def test_a_call_apart_says_whether_it_failed(stage: Stage) -> None:
    call = apart()
    task = await stage.waiting(call)

    assert await Resumer(stage.database, stage.valkey).end_call(
        stage.tenant_id, call["id"], {"error_text": "Broken."}
    )

    [found] = await stage.calls(task.turn)
    assert (found.status, found.outcome) == ("FAILED", {"error_text": "Broken."})
