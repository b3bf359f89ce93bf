"""Work is done at home, for whoever asks from the loop beside it; that loop goes on when home is late."""

import asyncio
import threading
import time
from contextvars import ContextVar

import pytest

from neo.kit import loop_in_thread, run_in
from neo.turns.temporal.home import SILENT_SECONDS, Home

TURN: ContextVar[str] = ContextVar("TURN", default="none")


async def test_what_is_asked_from_beside_runs_at_home_with_the_askers_context() -> None:
    home = Home()

    async def work() -> tuple[int, str]:
        return threading.get_ident(), TURN.get()

    async def ask() -> tuple[int, str]:
        TURN.set("t-1")
        return await home.run(work())

    async with loop_in_thread("test") as beside:
        assert await run_in(beside, ask()) == (threading.get_ident(), "t-1")


async def test_what_goes_wrong_at_home_is_heard_beside() -> None:
    home = Home()

    async def break_it() -> None:
        raise LookupError("gone")

    async with loop_in_thread("test") as beside:
        with pytest.raises(LookupError, match="gone"):
            await run_in(beside, home.run(break_it()))


async def test_a_heart_beats_beside_while_home_is_late() -> None:
    beats: list[float] = []

    async def beat() -> None:
        while True:
            beats.append(time.monotonic())
            await asyncio.sleep(0.01)

    async with loop_in_thread("test") as beside:
        beating = asyncio.ensure_future(run_in(beside, beat()))
        await asyncio.sleep(0.05)
        before = len(beats)
        time.sleep(0.5)  # noqa: ASYNC251 - it holds this loop up.
        assert len(beats) > before + 10
        beating.cancel()
        await asyncio.wait((beating,))


async def test_a_home_that_hangs_is_not_taken_for_alive() -> None:
    home = Home()
    assert home.is_alive
    home._ticked_at -= SILENT_SECONDS
    assert not home.is_alive

    ticking = asyncio.create_task(home.tick())
    await asyncio.sleep(0)

    assert home.is_alive
    ticking.cancel()
