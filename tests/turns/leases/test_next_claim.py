"""A driver whose stream was lost claims again, and gives its turn up, while it has the lease."""

import asyncio
from datetime import timedelta

import pytest

from neo.db import Database, DatabaseUnavailable, until_database_answers
from neo.events import Fenced
from neo.turns.leases.claim import NextClaim, release_turn
from neo.turns.models import TurnStatus
from turns.stage import Stage, ago


async def test_each_claim_is_one_higher(stage: Stage) -> None:
    task = await stage.claimed()
    next_claim = NextClaim(stage.database, task)

    assert [await next_claim() for _ in range(3)] == [2, 3, 4]
    assert ((await stage.turn(task.turn)).claim, task.turn.claim) == (4, 4)
    assert (await stage.turn(task.turn)).attempts == 1


async def test_a_claim_whose_answer_was_lost_is_given_again(stage: Stage) -> None:
    task = await stage.claimed()
    asked = (task.turn.tenant_id, task.turn.id, task.lease_id, 1, 1)

    given = [await stage.database.call("neo_next_claim", *asked) for _ in range(2)]

    assert [row[0] for [row] in given] == [2, 2]


async def test_after_the_last_claim_there_is_none(stage: Stage) -> None:
    task = await stage.claimed()
    await stage.set(task.turn, claim=61)
    task.turn.claim = 61
    next_claim = NextClaim(stage.database, task)

    assert [await next_claim() for _ in range(3)] == [62, 0, 0]
    assert (await stage.turn(task.turn)).claim == task.turn.claim == 62


async def test_who_was_taken_over_gets_no_other_claim(stage: Stage) -> None:
    first = await stage.claimed()
    second = await stage.claim(first.turn)

    with pytest.raises(Fenced):
        await NextClaim(stage.database, first)()
    assert await NextClaim(stage.database, second)() == 3


@pytest.mark.parametrize("columns", [{"status": TurnStatus.CANCELLED}, {"segment": 2}])
async def test_a_turn_that_has_ended_or_gone_on_has_no_other_claim(
    stage: Stage, columns: dict[str, object]
) -> None:
    task = await stage.claimed()
    await stage.set(task.turn, **columns)

    with pytest.raises(Fenced):
        await NextClaim(stage.database, task)()


@pytest.mark.parametrize("has_failed", [True, False])
async def test_a_turn_that_is_given_up_is_claimable_after_the_delay(
    stage: Stage, *, has_failed: bool
) -> None:
    task = await stage.claimed()

    await release_turn(stage.database, task, timedelta(seconds=30), has_failed=has_failed)

    found = await stage.turn(task.turn)
    assert (found.status, found.lease_id, found.segment_attempts) == ("RUNNING", None, int(has_failed))
    assert found.claimable_at is not None
    assert 25 < (found.claimable_at - ago(timedelta(0))).total_seconds() <= 30


async def test_who_was_taken_over_gives_nothing_up(stage: Stage) -> None:
    first = await stage.claimed()
    second = await stage.claim(first.turn)

    await release_turn(stage.database, first, timedelta(0), has_failed=True)

    found = await stage.turn(first.turn)
    assert (found.lease_id, found.segment_attempts) == (second.lease_id, 1)


async def test_a_claim_waits_for_a_database_that_is_away(stage: Stage) -> None:
    away = Database("postgresql+asyncpg://neo_app@/neo?host=/nowhere", connections_max=1)
    asked: list[Database] = []

    async def claim() -> str:
        asked.append(away if not asked else stage.database)
        await asked[-1].ping()
        return "there"

    with pytest.raises(DatabaseUnavailable):
        await away.ping()
    async with asyncio.timeout(10):
        assert await until_database_answers(claim) == "there"
    assert asked == [away, stage.database]
    await away.aclose()
