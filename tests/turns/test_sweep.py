"""Which turns a sweeper finds due, that no two sweepers get the same one, and how it ends what nobody will run."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from neo.turns.starting.start import TurnStarter
from temporalio.client import Client

from neo.db import Database
from neo.turns.end import TurnEnder
from neo.turns.errors import TURN_LOST
from neo.turns.models import ChatTurn, TurnStatus
from neo.turns.sweep import CANCEL_TIMEOUT, Sweeper
from neo.turns.temporal.connect import TemporalConnection
from support.server import Server
from support.temporal import knows_of
from turns.stage import COMPLETED, Stage, input_of

# Nobody takes work from it: what is started there stays as it is.
QUEUE = "nobody-is-here"
# Longer than the real ones: no test is as slow as that.
QUEUED_AFTER = timedelta(minutes=1)
RUNNING_AFTER = timedelta(minutes=2)
A_BIT = timedelta(seconds=1)
HALF_A_MINUTE = timedelta(seconds=30)
TURNS_MAX = 10_000
MANY = 60


def ago(passed: timedelta) -> datetime:
    return datetime.now(UTC) - passed


def sweeper_of(stage: Stage, temporal: TemporalConnection | None = None) -> Sweeper:
    nowhere = TemporalConnection("127.0.0.1:1", "default", tls=False, api_key=None)
    starter = TurnStarter(temporal or nowhere, QUEUE)
    return Sweeper(stage.database, starter, TurnEnder(stage.database, starter), stage.events)


async def due(database: Database) -> set[UUID]:
    """What one sweep is given, of all tenants."""
    return {
        row["id"] for row in await database.call("neo_sweep_turns", QUEUED_AFTER, RUNNING_AFTER, TURNS_MAX)
    }


async def found_due(stage: Stage, turns: Iterable[ChatTurn]) -> list[bool]:
    found = await due(stage.database)
    return [turn.id in found for turn in turns]


async def test_a_turn_that_waits_too_long_for_its_start_is_due_and_a_fresh_one_is_not(stage: Stage) -> None:
    other = await Stage.open(stage.database, stage.valkey)
    late = await stage.queued(created_at=ago(QUEUED_AFTER + A_BIT))
    fresh = await other.queued(created_at=ago(QUEUED_AFTER - HALF_A_MINUTE))

    assert await found_due(stage, (late, fresh)) == [True, False]


async def test_a_turn_behind_an_open_one_is_not_due(stage: Stage) -> None:
    hour = timedelta(hours=1)
    await stage.queued(status=TurnStatus.RUNNING, started_at=ago(A_BIT), created_at=ago(hour))
    behind = await stage.queued(created_at=ago(hour))

    assert await found_due(stage, [behind]) == [False]


async def test_a_running_turn_is_due_now_and_then(stage: Stage) -> None:
    other = await Stage.open(stage.database, stage.valkey)
    running = {"status": TurnStatus.RUNNING, "created_at": ago(timedelta(hours=1))}
    old = await stage.queued(started_at=ago(RUNNING_AFTER + A_BIT), **running)
    young = await other.queued(started_at=ago(RUNNING_AFTER - HALF_A_MINUTE), **running)

    assert await found_due(stage, (old, young)) == [True, False]
    assert await found_due(stage, (old, young)) == [False, False]


async def test_a_turn_that_has_ended_is_never_due(stage: Stage) -> None:
    hour = ago(timedelta(hours=1))
    ended = await stage.write(created_at=hour, started_at=hour, ended_at=hour, **COMPLETED)

    assert await found_due(stage, ended) == [False]


async def test_a_turn_that_could_not_be_started_is_due_again_later(stage: Stage) -> None:
    turn = await stage.queued(created_at=ago(timedelta(hours=1)))
    await sweeper_of(stage).sweep()

    assert await found_due(stage, [turn]) == [False]
    await stage.set(turn, swept_at=ago(QUEUED_AFTER + A_BIT))
    assert await found_due(stage, [turn]) == [True]


async def test_no_two_sweepers_get_the_same_turn(stage: Stage) -> None:
    sessions = [await Stage.open(stage.database, stage.valkey, stage.tenant_id) for _ in range(MANY)]
    turns = {(await one.queued(created_at=ago(timedelta(hours=1)))).id for one in sessions}

    found = await asyncio.gather(*(due(stage.database) for _ in range(6)))

    assert set().union(*found) >= turns
    assert sum(len(one) for one in found) == len(set().union(*found))


async def test_a_turn_that_was_left_behind_is_started(stage: Stage, server: Server) -> None:
    temporal = await connected(server)
    turn = await stage.queued(created_at=ago(timedelta(hours=1)))

    await sweeper_of(stage, temporal).sweep()

    assert await knows_of(server, str(turn.id))
    assert (await stage.turn(turn)).status == "QUEUED"


async def test_a_turn_whose_workflow_has_ended_without_it_is_lost(stage: Stage, server: Server) -> None:
    temporal = await connected(server)
    sweeper = sweeper_of(stage, temporal)
    turn = (await stage.begun()).turn
    assert await sweeper.start_or_end(input_of(turn))
    workflows = await Client.connect(server.addresses.temporal_address)
    await workflows.get_workflow_handle(str(turn.id)).terminate()

    assert not await sweeper.start_or_end(input_of(turn))

    ended = await stage.turn(turn)
    assert (ended.status, ended.error_code) == ("FAILED", TURN_LOST)
    assert not await sweeper.start_or_end(input_of(turn))


async def test_a_turn_that_no_worker_stopped_in_time_is_ended_without_one(stage: Stage) -> None:
    other = await Stage.open(stage.database, stage.valkey)
    late, soon = (await stage.begun()).turn, (await other.begun()).turn
    await stage.set(late, cancel_requested_at=ago(CANCEL_TIMEOUT + A_BIT))
    await other.set(soon, cancel_requested_at=ago(CANCEL_TIMEOUT - timedelta(seconds=5)))

    await sweeper_of(stage).end_timed_out_cancels()

    assert ((await stage.turn(late)).status, (await other.turn(soon)).status) == ("CANCELLED", "RUNNING")


async def test_a_cancel_that_is_ended_twice_is_ended_once(stage: Stage) -> None:
    turn = (await stage.begun()).turn
    sweepers = [sweeper_of(stage) for _ in range(3)]

    ended = await asyncio.gather(*(one.end_cancelled(input_of(turn)) for one in sweepers))

    assert sorted(ended) == [False, False, True]


async def connected(server: Server) -> TemporalConnection:
    temporal = TemporalConnection(server.addresses.temporal_address, "default", tls=False, api_key=None)
    await temporal.connect()
    return temporal
