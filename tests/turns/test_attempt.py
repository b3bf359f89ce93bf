"""Only the attempt with a turn's newest claim gets another one, and only while the turn is open."""

import asyncio

import pytest

from neo.db import Database, DatabaseUnavailable
from neo.events import Fenced
from neo.turns.attempt import Claims
from neo.turns.models import TurnStatus
from neo.turns.retry import until_database_answers
from turns.stage import Stage, input_of


async def test_an_attempt_writes_with_the_claim_it_began_with_and_then_with_higher_ones(stage: Stage) -> None:
    task = await stage.begun()
    claims = Claims(stage.database, input_of(task.turn), task.turn)

    assert [await claims.next() for _ in range(3)] == [1, 2, 3]
    assert (await stage.attempted(task.turn)).turn.attempts == 2


async def test_an_attempt_that_was_taken_over_gets_no_other_claim(stage: Stage) -> None:
    first = await stage.begun()
    second = await stage.attempted(first.turn)
    late = Claims(stage.database, input_of(first.turn), first.turn)
    newest = Claims(stage.database, input_of(first.turn), second.turn)

    assert (await late.next(), await newest.next()) == (1, 2)
    with pytest.raises(Fenced):
        await late.next()
    assert await newest.next() == 3


async def test_of_two_that_ask_at_once_one_is_fenced(stage: Stage) -> None:
    task = await stage.begun()
    both = [Claims(stage.database, input_of(task.turn), task.turn) for _ in range(2)]
    for claims in both:
        await claims.next()

    given = await asyncio.gather(*(claims.next() for claims in both), return_exceptions=True)

    assert {type(one) for one in given} == {int, Fenced}


async def test_a_turn_that_has_ended_has_no_other_claim(stage: Stage) -> None:
    task = await stage.begun()
    claims = Claims(stage.database, input_of(task.turn), task.turn)
    await claims.next()
    await stage.set(task.turn, status=TurnStatus.CANCELLED)

    with pytest.raises(Fenced):
        await claims.next()


async def test_a_claim_waits_for_a_database_that_is_away(stage: Stage) -> None:
    away = Database("postgresql+asyncpg://neo_app@/neo?host=/nowhere", connections_max=1)
    asked: list[Database] = []

    async def claim() -> str:
        asked.append(away if not asked else stage.database)
        await asked[-1].ping()
        return "there"

    with pytest.raises(DatabaseUnavailable):
        await away.ping()
    assert await until_database_answers(claim) == "there"
    assert asked == [away, stage.database]
    await away.aclose()
