"""What is due and that nobody drives: turns that were to stop."""

import asyncio
from datetime import timedelta

from neo.turns.end import TurnEnder
from neo.turns.sweep import CANCEL_TIMEOUT, Sweeper
from turns.stage import MINUTE, Stage, ago, call_row, input_of

A_BIT = timedelta(seconds=1)


def sweeper_of(stage: Stage) -> Sweeper:
    return Sweeper(stage.database, stage.valkey, TurnEnder(stage.database, stage.events))


async def test_a_turn_that_was_to_stop_is_ended_once_nobody_has_driven_it_for_a_while(stage: Stage) -> None:
    stages = [stage, *[await stage.another() for _ in range(3)]]
    overdue, soon, driven, unasked = [(await one.claimed()).turn for one in stages]
    long_ago = ago(CANCEL_TIMEOUT + A_BIT)
    await stages[0].set(overdue, cancel_requested_at=long_ago, claimable_at=long_ago)
    await stages[1].set(soon, cancel_requested_at=ago(A_BIT), claimable_at=long_ago)
    await stages[2].set(driven, cancel_requested_at=long_ago)
    await stages[3].set(unasked, claimable_at=long_ago)

    await sweeper_of(stage).end_overdue_cancels()

    turns = (overdue, soon, driven, unasked)
    found = [(await one.turn(turn)).status for one, turn in zip(stages, turns, strict=True)]
    assert found == ["CANCELLED", "RUNNING", "RUNNING", "RUNNING"]


async def test_the_sessions_next_turn_may_run_then(stage: Stage) -> None:
    turn, following = (await stage.asked(call_row())).turn, await stage.queued()
    await stage.set(turn, cancel_requested_at=ago(MINUTE), claimable_at=ago(MINUTE))

    await sweeper_of(stage).end_overdue_cancels()

    assert (await stage.turn(following)).claimable_at is not None
    assert (await stage.turn(turn)).terminal_segment == 2


async def test_a_cancel_that_is_ended_twice_is_ended_once(stage: Stage) -> None:
    turn = (await stage.claimed()).turn
    sweepers = [sweeper_of(stage) for _ in range(3)]

    ended = await asyncio.gather(*(one.end_cancelled(input_of(turn)) for one in sweepers))

    assert sorted(ended) == [False, False, True]
