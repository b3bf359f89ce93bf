"""One timer bounds many waits, each to its own deadline."""

import asyncio

import pytest

from neo.kit import Bound

SHORT = 0.1
LONG = 60.0


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_what_is_over_in_time_is_given_however_many_follow_on_each_other() -> None:
    with Bound() as bound:
        began = now()
        # Together longer than each may take.
        for number in range(5):
            assert await bound.wait(asyncio.sleep(SHORT / 2, number), now() + SHORT) == number

    assert now() - began > 2 * SHORT


async def test_what_takes_too_long_is_ended() -> None:
    with Bound() as bound:
        began, stuck = now(), asyncio.Event()
        with pytest.raises(TimeoutError):
            await bound.wait(stuck.wait(), began + SHORT)
        assert SHORT <= now() - began < LONG / 10
        # Its task is not cancelled for anything that comes after.
        await asyncio.sleep(0)
        with pytest.raises(TimeoutError):
            await bound.wait(stuck.wait(), now() + SHORT)


async def test_an_earlier_deadline_after_a_later_one_holds() -> None:
    with Bound() as bound:
        await bound.wait(asyncio.sleep(0), now() + LONG)
        async with asyncio.timeout(LONG / 10):
            with pytest.raises(TimeoutError) as ended:
                await bound.wait(asyncio.Event().wait(), now() + SHORT)

    assert ended.value.__suppress_context__


async def test_a_later_deadline_after_an_earlier_one_is_not_cut_short() -> None:
    with Bound() as bound:
        await bound.wait(asyncio.sleep(0), now() + SHORT)
        assert await bound.wait(asyncio.sleep(2 * SHORT, "over"), now() + LONG) == "over"


async def test_between_two_waits_nothing_is_bounded() -> None:
    with Bound() as bound:
        await bound.wait(asyncio.sleep(0), now() + SHORT)
        await asyncio.sleep(2 * SHORT)


async def test_a_cancel_from_outside_stays_one() -> None:
    async def wait() -> None:
        with Bound() as bound:
            await bound.wait(asyncio.Event().wait(), now() + LONG)

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_cancel_from_outside_stays_one_after_a_wait_that_took_too_long() -> None:
    async def wait() -> None:
        with Bound() as bound:
            with pytest.raises(TimeoutError):
                await bound.wait(asyncio.Event().wait(), now())
            await bound.wait(asyncio.Event().wait(), now() + LONG)

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(SHORT)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_an_outer_timeout_is_its_own() -> None:
    with Bound() as bound, pytest.raises(TimeoutError):
        async with asyncio.timeout(SHORT) as outer:
            await bound.wait(asyncio.Event().wait(), now() + LONG)

    assert outer.expired()


async def test_nothing_is_left_behind() -> None:
    task = asyncio.current_task()
    assert task is not None
    with Bound() as bound:
        await bound.wait(asyncio.sleep(0), now() + SHORT)
    await asyncio.sleep(2 * SHORT)
    assert not task.cancelling()
