"""The workflow asks what is next until the turn has ended or waits, and keeps nothing itself."""

import pytest
from temporalio.client import Client

from neo.turns.temporal.contract import TURN_WORKFLOW, TurnInput
from turns.temporal.advancing import Advancing, advancing, some_turn


async def run(temporal: Client, worker: Advancing, turn: TurnInput) -> object:
    return await temporal.execute_workflow(TURN_WORKFLOW, turn, id=turn.turn_id, task_queue=worker.queue)


async def test_it_goes_on_while_there_is_more_and_stops_at_the_end(temporal: Client) -> None:
    turn = some_turn()
    async with advancing(temporal, "MORE", "MORE", "ENDED") as worker:
        assert await run(temporal, worker, turn) is None

    assert worker.asked == [turn] * 3


async def test_it_ends_where_the_turn_waits_and_is_run_anew_when_it_goes_on(temporal: Client) -> None:
    turn = some_turn()
    async with advancing(temporal, "WAITING", "ENDED") as worker:
        await run(temporal, worker, turn)
        assert worker.asked == [turn]
        await run(temporal, worker, turn)

    assert worker.asked == [turn] * 2


async def test_a_turn_that_had_ended_before_it_was_started_needs_no_activity(temporal: Client) -> None:
    turn = some_turn(has_ended=True)
    async with advancing(temporal, "ENDED") as worker:
        await run(temporal, worker, turn)

    assert worker.asked == []


@pytest.mark.parametrize("failures", [1, 2])
async def test_an_advance_that_broke_is_tried_again(temporal: Client, failures: int) -> None:
    turn = some_turn()
    broken: list[Exception | str] = [RuntimeError("Broken.")] * failures
    async with advancing(temporal, *broken, "ENDED") as worker:
        await run(temporal, worker, turn)

    assert worker.asked == [turn] * (failures + 1)


async def test_a_terminated_run_is_followed_by_another_one(temporal: Client) -> None:
    turn = some_turn()
    await temporal.start_workflow(TURN_WORKFLOW, turn, id=turn.turn_id, task_queue="nobody-is-here")
    await temporal.get_workflow_handle(turn.turn_id).terminate()

    async with advancing(temporal, "ENDED") as worker:
        await run(temporal, worker, turn)

    assert worker.asked == [turn]
