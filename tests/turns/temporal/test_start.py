"""Whoever drives a turn starts its workflow, as often as it likes, and never waits for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from neo.turns.temporal.contract import TurnInput
from neo.turns.temporal.start import WAITING_MAX, Supervised, WorkflowStarter
from turns.temporal.advancing import advancing, some_turn

NOBODYS = "nobody-is-here"
# Longer than any test.
NEVER = 60.0
LATE_SECONDS = 15.0
# Longer than a start takes, and too short for anything to be over by chance.
A_WHILE = 0.5


@dataclass
class Connected:
    client: Client | None


@asynccontextmanager
async def starting(
    client: Client | None, queue: str = NOBODYS, *, after_seconds: float = NEVER
) -> AsyncIterator[WorkflowStarter]:
    """What was begun is over at its end."""
    starter = WorkflowStarter(Connected(client), queue, after_seconds=after_seconds)
    yield starter
    await starter.aclose()


async def found(temporal: Client, turn: TurnInput) -> WorkflowExecutionDescription | None:
    try:
        return await temporal.get_workflow_handle(turn.turn_id).describe()
    except RPCError as error:
        assert error.status is RPCStatusCode.NOT_FOUND
        return None


async def test_a_workflow_has_its_turns_id(temporal: Client) -> None:
    turn = some_turn()
    async with starting(temporal) as starter:
        starter.start_soon(turn)

    started = await found(temporal, turn)
    assert started is not None
    assert (started.id, started.status) == (turn.turn_id, WorkflowExecutionStatus.RUNNING)


async def test_one_that_runs_is_not_started_again_and_that_is_no_failure(temporal: Client) -> None:
    turn = some_turn()
    runs = []
    for _ in range(3):
        async with starting(temporal) as starter:
            starter.start_soon(turn)
        started = await found(temporal, turn)
        assert started is not None
        runs.append(started.run_id)

    assert len(set(runs)) == 1


async def test_one_that_is_over_is_started_anew(temporal: Client) -> None:
    turn = some_turn()
    runs = []
    async with advancing(temporal, "WAITING") as worker:
        for _ in range(2):
            async with starting(temporal, worker.queue) as starter:
                starter.start_soon(turn)
            await temporal.get_workflow_handle(turn.turn_id).result()
            started = await found(temporal, turn)
            assert started is not None
            runs.append(started.run_id)

    assert len(set(runs)) == 2
    assert worker.asked == [turn] * 2


async def test_while_temporal_has_never_been_there_nothing_waits(temporal: Client) -> None:
    turn = some_turn()
    async with starting(None) as starter:
        starter.start_soon(turn)

    assert await found(temporal, turn) is None


async def test_starts_beyond_the_bound_are_dropped_and_none_of_them_raises() -> None:
    away = await Client.connect("127.0.0.1:1", lazy=True)
    async with starting(away) as starter:
        for _ in range(WAITING_MAX + 50):
            starter.start_soon(some_turn())
        assert len(starter._tasks) == WAITING_MAX
    async with asyncio.timeout(LATE_SECONDS):
        while starter._tasks:
            await asyncio.sleep(0.02)


async def supervised(
    temporal: Client, *, settles: bool, has_ended: bool, waits: bool, after_seconds: float = NEVER
) -> WorkflowExecutionDescription | None:
    """The workflow of a turn that was driven like this."""
    turn = some_turn()
    async with starting(temporal, after_seconds=after_seconds) as starter:
        with starter.supervising(turn) as drive:
            if settles:
                drive.segment_settled()
                drive.segment_settled()
            await asyncio.sleep(0.1)
            drive.driven(has_ended=has_ended, waits=waits)
    return await found(temporal, turn)


async def test_a_turn_is_started_once_a_segment_has_settled_or_at_its_end(temporal: Client) -> None:
    settled = await supervised(temporal, settles=True, has_ended=False, waits=True)
    ended = await supervised(temporal, settles=False, has_ended=True, waits=False)
    given_up = await supervised(temporal, settles=False, has_ended=False, waits=False)

    assert settled is not None
    assert ended is not None
    assert given_up is not None


async def test_a_turn_that_waits_is_not_started(temporal: Client) -> None:
    assert await supervised(temporal, settles=False, has_ended=False, waits=True) is None


async def test_a_turn_that_had_ended_is_started_as_ended(temporal: Client) -> None:
    turn = some_turn()
    async with advancing(temporal, "ENDED") as worker:
        async with starting(temporal, worker.queue) as starter:
            with starter.supervising(turn) as drive:
                drive.driven(has_ended=True, waits=False)
        await temporal.get_workflow_handle(turn.turn_id).result()

    assert worker.asked == []


async def test_a_drive_that_takes_long_is_started_while_it_lasts(temporal: Client) -> None:
    turn = some_turn()
    async with starting(temporal, after_seconds=0) as starter:
        with starter.supervising(turn):
            async with asyncio.timeout(LATE_SECONDS):
                while await found(temporal, turn) is None:
                    await asyncio.sleep(0.02)


async def test_a_drive_that_was_left_starts_nothing_more(temporal: Client) -> None:
    turn = some_turn()
    async with starting(temporal, after_seconds=0.1) as starter:
        with starter.supervising(turn) as drive:
            assert isinstance(drive, Supervised)
        await asyncio.sleep(A_WHILE)

    assert await found(temporal, turn) is None
