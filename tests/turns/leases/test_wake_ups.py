"""Words over Valkey: a turn may be claimed, a turn is to stop. Whoever they do not reach looks by itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest

from events.stage import running_valkey
from neo.streams import Valkey
from neo.turns.wake_ups import CANCEL, CLAIMABLE, WakeUps, publish_cancel, publish_claimable
from turns.driving import LATE_SECONDS, Process
from turns.stage import Stage


@asynccontextmanager
async def listening(valkey: Valkey) -> AsyncIterator["asyncio.Queue[UUID | None]"]:
    """What was heard: None for a turn that may be claimed."""
    heard: asyncio.Queue[UUID | None] = asyncio.Queue()
    wake_ups = WakeUps(valkey, on_claimable=lambda: heard.put_nowait(None), on_cancel=heard.put_nowait)
    wake_ups.start()
    async with asyncio.timeout(LATE_SECONDS):
        for channel in (CLAIMABLE, CANCEL):
            # PUBLISH says how many it reached.
            while not await valkey.call("PUBLISH", channel, b"x"):
                await asyncio.sleep(0.01)
        await heard.get()
    while not heard.empty():
        heard.get_nowait()
    yield heard
    await wake_ups.aclose()


@pytest.fixture(params=["refuses", "stalls"])
async def away(request: pytest.FixtureRequest) -> AsyncIterator[Valkey]:
    """A Valkey that does not answer."""
    with running_valkey() as server:
        server.pause()
        valkey = Valkey(server.url if request.param == "stalls" else "redis://127.0.0.1:1/0")
        yield valkey
        await valkey.aclose()


async def test_words_are_heard_in_order_and_one_that_names_no_turn_is_passed_over(stage: Stage) -> None:
    turn_id = uuid4()
    async with listening(stage.valkey) as heard:
        await stage.valkey.call("PUBLISH", CANCEL, b"not a turn")
        await publish_cancel(stage.valkey, turn_id)
        await publish_claimable(stage.valkey)

        async with asyncio.timeout(LATE_SECONDS):
            assert [await heard.get(), await heard.get()] == [turn_id, None]


async def test_a_cancel_stops_its_turn_and_no_other(stage: Stage, process: Process) -> None:
    other = await stage.another()
    to_stop, goes_on = await stage.claimed(), await other.claimed()
    wake_ups = WakeUps(stage.valkey, on_claimable=lambda: None, on_cancel=process.leases.cancel)
    wake_ups.start()
    with process.leases.held(to_stop) as one, process.leases.held(goes_on) as two:
        async with asyncio.timeout(LATE_SECONDS):
            while not one.cancelled.is_set():
                await publish_cancel(stage.valkey, uuid4())
                await publish_cancel(stage.valkey, to_stop.turn.id)
                await asyncio.sleep(0.01)
        assert not two.cancelled.is_set()
    await wake_ups.aclose()


async def test_a_word_that_cannot_be_said_holds_nobody_up(away: Valkey) -> None:
    async with asyncio.timeout(LATE_SECONDS):
        await publish_cancel(away, uuid4())
        await publish_claimable(away)


async def test_a_drive_that_leaves_does_not_end_the_lease_of_the_one_after_it(
    stage: Stage, process: Process
) -> None:
    first = await stage.claimed()
    earlier = process.leases.held(first)
    earlier.__enter__()
    second = await stage.claim(first.turn)
    with process.leases.held(second) as lease:
        earlier.__exit__(None, None, None)
        process.leases.cancel(first.turn.id)

        assert lease.cancelled.is_set()
        assert process.leases.to_renew()[1] == [second.lease_id]
