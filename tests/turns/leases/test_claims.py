"""Which turns are claimed, in which order, and that no two claimers get the same one."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from neo.turns.leases.claim import LEASE, Task, claim_turn, claim_turns
from neo.turns.models import ChatTurn
from turns.stage import MINUTE, Stage, ago

pytestmark = pytest.mark.usefixtures("alone")

SECOND = timedelta(seconds=1)
EVERYTHING = 50
MANY = 30


async def claimed(
    stage: Stage, turns_max: int = EVERYTHING, *, takes_over: bool = True, without: Iterable[UUID] = ()
) -> list[Task]:
    return await claim_turns(stage.database, turns_max, takes_over=takes_over, without=list(without))


def ids(tasks: Iterable[Task]) -> set[UUID]:
    return {task.turn.id for task in tasks}


async def claimable(stage: Stage, count: int, since: timedelta = MINUTE) -> list[ChatTurn]:
    """Turns of as many sessions of the tenant, the oldest first."""
    stages = [await stage.another() for _ in range(count)]
    return [await one.claimable(since - n * timedelta(milliseconds=1)) for n, one in enumerate(stages)]


async def leased(stage: Stage, until: timedelta = MINUTE, **columns: object) -> ChatTurn:
    """A turn that somebody drives."""
    return await stage.queued(
        **{"status": "RUNNING", "claim": 1, "attempts": 1, "started_at": ago(MINUTE), **columns},
        lease_id=uuid4(),
        claimable_at=ago(-until),
    )


async def test_a_claimed_turn_runs_under_its_first_claim_with_a_lease(stage: Stage) -> None:
    turn = await stage.claimable()

    [task] = await claimed(stage)

    found = await stage.turn(turn)
    assert (task.turn.id, task.turn.segment, task.turn.claim, task.turn.attempts) == (turn.id, 1, 1, 1)
    assert (found.status, found.claim, found.lease_id) == ("RUNNING", 1, task.lease_id)
    assert found.claimable_at is not None
    assert LEASE - SECOND < found.claimable_at - ago(timedelta(0)) <= LEASE
    assert await claimed(stage) == []


async def test_two_that_claim_at_once_never_get_the_same_turn(stage: Stage) -> None:
    turns = await claimable(stage, MANY)

    async def until_nothing_is_left() -> list[Task]:
        found: list[Task] = []
        while some := await claimed(stage, 2):
            found += some
        return found

    shares = await asyncio.gather(*(until_nothing_is_left() for _ in range(6)))

    every = [task.turn.id for share in shares for task in share]
    assert sorted(every) == sorted(turn.id for turn in turns)
    assert {(await turn_of(stage, turn)).claim for turn in turns} == {1}


async def test_a_row_that_was_claimed_since_it_was_ranked_is_not_claimed_again(stage: Stage) -> None:
    """Whoever ranked it waits for no lock, so it may lock the row right after the other's commit."""
    turn = await stage.claimable()
    for _ in range(20):
        await stage.set(turn, status="QUEUED", claim=0, claimable_at=ago(SECOND), lease_id=None)
        found = await asyncio.gather(*(claimed(stage, 1) for _ in range(6)))
        assert sum(map(len, found)) == 1


async def test_as_many_are_claimed_as_were_asked_for(stage: Stage) -> None:
    await claimable(stage, EVERYTHING)

    assert len(await claimed(stage, 2)) == 2
    assert await stage.value("SELECT count(*) FROM chat_turns WHERE lease_id IS NOT NULL") == 2


async def test_the_oldest_are_claimed_first(stage: Stage) -> None:
    young, middle, old = [await stage.another() for _ in range(3)]
    await young.claimable(SECOND)
    second = await middle.claimable(2 * SECOND)
    first = await old.claimable(3 * SECOND)

    assert [ids(await claimed(stage, 1)) for _ in range(2)] == [{first.id}, {second.id}]


async def test_the_tenant_with_the_fewest_leases_comes_first(stage: Stage) -> None:
    neighbour = await stage.neighbour()
    await leased(await stage.another())
    await stage.claimable(MINUTE)
    theirs = await neighbour.claimable(SECOND)

    assert ids(await claimed(stage, 1)) == {theirs.id}


async def test_a_lease_that_has_passed_counts_for_no_tenant(stage: Stage) -> None:
    neighbour = await stage.neighbour()
    mine = await stage.claimable(MINUTE)
    await leased(await stage.another(), until=-SECOND)
    await neighbour.claimable(SECOND)

    assert ids(await claimed(stage, 1, takes_over=False)) == {mine.id}


async def test_tenants_take_turns_within_one_look(stage: Stage) -> None:
    neighbour = await stage.neighbour()
    mine = await claimable(stage, 3)
    theirs = await neighbour.claimable(SECOND)

    assert ids(await claimed(stage, 2)) == {mine[0].id, theirs.id}


async def test_a_thousand_claimable_turns_of_one_tenant_hide_nobody(stage: Stage) -> None:
    quiet = [await stage.neighbour() for _ in range(3)]
    await stage.write(count=1_000, claimable_at=ago(MINUTE))
    theirs = {(await one.claimable(SECOND)).id for one in quiet}

    found = [task for _ in range(2) for task in await claimed(stage, 2)]

    assert len(found) == 4
    assert ids(found) >= theirs


async def test_full_tenants_are_left_out(stage: Stage) -> None:
    neighbour = await stage.neighbour()
    mine, theirs = await stage.claimable(MINUTE), await neighbour.claimable()

    assert ids(await claimed(stage, without=[stage.tenant_id])) == {theirs.id}
    assert await claimed(stage, without=[stage.tenant_id]) == []
    assert ids(await claimed(stage)) == {mine.id}


async def test_a_lease_that_has_passed_is_taken_over_only_by_who_may(stage: Stage) -> None:
    turn = await leased(stage, until=-SECOND)

    assert await claimed(stage, takes_over=False) == []
    assert await claim_turn(stage.database, turn.id, takes_over=False) is None
    [task] = await claimed(stage)

    found = await stage.turn(turn)
    assert (task.turn.id, found.claim, found.attempts, found.segment_attempts) == (turn.id, 2, 2, 1)
    assert found.lease_id == task.lease_id != turn.lease_id


async def test_a_turn_that_was_given_up_is_claimed_without_an_attempt(stage: Stage) -> None:
    given_up: dict[str, Any] = {
        "status": "RUNNING",
        "claim": 3,
        "attempts": 1,
        "segment": 2,
        "started_at": ago(MINUTE),
    }
    turn = await stage.claimable(**given_up)

    [task] = await claimed(stage, takes_over=False)

    found = await stage.turn(turn)
    assert (task.turn.segment, found.claim, found.attempts, found.segment_attempts) == (2, 4, 1, 0)


async def test_a_live_lease_and_a_turn_that_is_not_due_are_not_claimed(stage: Stage) -> None:
    turn = await leased(stage)
    await (await stage.another()).claimable(-MINUTE)

    assert await claimed(stage) == []
    assert await claim_turn(stage.database, turn.id, takes_over=True) is None


@pytest.mark.parametrize(
    ("columns", "is_exhausted"),
    [
        ({"segment_attempts": 4}, False),
        ({"segment_attempts": 5}, True),
        ({"segment_attempts": 0, "claim": 61}, False),
        ({"segment_attempts": 0, "claim": 62}, True),
    ],
)
async def test_a_turn_is_exhausted_after_six_attempts_or_its_last_claim(
    stage: Stage, columns: dict[str, int], *, is_exhausted: bool
) -> None:
    turn = await leased(stage, until=-SECOND, **columns)

    [task] = await claimed(stage)

    assert task.is_exhausted is is_exhausted
    assert (await stage.turn(turn)).claim == min(columns.get("claim", 1) + 1, 62)


async def test_failures_alone_exhaust_a_turn_too(stage: Stage) -> None:
    await stage.claimable(status="RUNNING", segment_attempts=6, claim=6, started_at=ago(MINUTE))

    [task] = await claimed(stage, takes_over=False)

    assert task.is_exhausted


async def test_a_row_that_somebody_locks_is_skipped(stage: Stage) -> None:
    locked, free = await claimable(stage, 2)
    async with stage.database.transaction(stage.tenant_id) as db:
        await db.execute(text("SELECT 1 FROM chat_turns WHERE id = :id FOR UPDATE"), {"id": locked.id})
        async with asyncio.timeout(5):
            found = await claimed(stage)

    assert ids(found) == {free.id}
    assert ids(await claimed(stage)) == {locked.id}


async def test_a_claimed_turn_knows_what_comes_before_it(stage: Stage) -> None:
    task = await stage.asked()

    again = await stage.claim(task.turn)

    assert (again.turn.segment, again.turn.claim, again.step) == (2, 2, 2)
    assert again.after is not None
    assert again.after == (task.turn.turn_no, 1, 1, 4)


async def turn_of(stage: Stage, turn: ChatTurn) -> ChatTurn:
    return await replace(stage, session_id=turn.session_id).turn(turn)
