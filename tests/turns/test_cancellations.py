"""A running turn learns that it is to stop: at once over Valkey, soon without it, and nobody else does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest
from neo.turns.cancellations import CHANNEL, POLL_SECONDS, Cancellations, publish_cancel

from events.stage import running_valkey
from neo.streams import Valkey
from neo.turns.models import TurnStatus
from turns.stage import Stage

# Under load a poll may be late by as much.
LATE_SECONDS = 5.0


@asynccontextmanager
async def running(stage: Stage, valkey: Valkey | None = None) -> AsyncIterator[Cancellations]:
    cancellations = Cancellations(stage.database, valkey or stage.valkey)
    task = asyncio.create_task(cancellations.run())
    try:
        yield cancellations
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture(params=["refuses", "stalls"])
async def away(request: pytest.FixtureRequest) -> AsyncIterator[Valkey]:
    """A Valkey that does not answer."""
    with running_valkey() as server:
        server.pause()
        valkey = Valkey(server.url if request.param == "stalls" else "redis://127.0.0.1:1/0")
        yield valkey
        await valkey.aclose()


async def subscribed(valkey: Valkey) -> None:
    """Wait until a worker has subscribed: PUBLISH says how many it reached."""
    async with asyncio.timeout(LATE_SECONDS):
        while not await valkey.call("PUBLISH", CHANNEL, uuid4().bytes):
            await asyncio.sleep(0.01)


async def test_a_message_over_valkey_stops_its_turn_and_no_other(stage: Stage) -> None:
    # Neither is in PostgreSQL: polling cannot have found them.
    turn_id, other_id = uuid4(), uuid4()
    async with running(stage) as cancellations:
        await subscribed(stage.valkey)
        with cancellations.watching(turn_id) as cancelled, cancellations.watching(other_id) as other:
            await publish_cancel(stage.valkey, turn_id)
            await asyncio.wait_for(cancelled.wait(), LATE_SECONDS)

            assert not other.is_set()


async def test_without_valkey_a_poll_finds_what_is_to_stop_and_what_has_ended(
    stage: Stage, away: Valkey
) -> None:
    sessions = [stage, *[await Stage.open(stage.database, stage.valkey) for _ in range(2)]]
    to_stop, has_ended, goes_on = [(await one.begun()).turn for one in sessions]
    async with running(stage, away) as cancellations:
        with (
            cancellations.watching(to_stop.id) as first,
            cancellations.watching(has_ended.id) as second,
            cancellations.watching(goes_on.id) as third,
        ):
            await asyncio.sleep(POLL_SECONDS * 1.5)
            assert not any(one.is_set() for one in (first, second, third))

            await stage.cancel(to_stop)
            await sessions[1].set(has_ended, status=TurnStatus.FAILED)
            for cancelled in (first, second):
                await asyncio.wait_for(cancelled.wait(), LATE_SECONDS)

            assert not third.is_set()


async def test_an_attempt_that_leaves_does_not_stop_watching_for_the_one_after_it(stage: Stage) -> None:
    turn_id = uuid4()
    async with running(stage) as cancellations:
        await subscribed(stage.valkey)
        first = cancellations.watching(turn_id)
        first.__enter__()
        with cancellations.watching(turn_id) as second:
            first.__exit__(None, None, None)
            await publish_cancel(stage.valkey, turn_id)
            await asyncio.wait_for(second.wait(), LATE_SECONDS)


async def test_a_message_that_names_no_turn_is_passed_over(stage: Stage) -> None:
    turn_id = uuid4()
    async with running(stage) as cancellations:
        await subscribed(stage.valkey)
        with cancellations.watching(turn_id) as cancelled:
            await stage.valkey.call("PUBLISH", CHANNEL, b"not a turn")
            await publish_cancel(stage.valkey, UUID(int=0))
            await publish_cancel(stage.valkey, turn_id)
            await asyncio.wait_for(cancelled.wait(), LATE_SECONDS)


async def test_a_cancel_is_accepted_without_valkey(away: Valkey) -> None:
    await asyncio.wait_for(publish_cancel(away, uuid4()), LATE_SECONDS)
