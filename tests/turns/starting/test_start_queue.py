import asyncio

import pytest

from neo.turns.starting import start_queue
from neo.turns.starting.start_queue import (
    AFTER_BURST,
    BURST,
    BURST_SECONDS,
    PAUSE_SECONDS,
    STARTS_MAX,
    SUDDEN,
    SUDDEN_SECONDS,
    WAITING_MAX,
    StartQueue,
)
from support.recorded import Recorded, request, turn


class Starts(Recorded):
    """Starts that last until they are let."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = StartQueue(self)

    def add(self, *numbers: int) -> None:
        for number in numbers:
            request.set(number)
            assert self.queue.add(turn(number))

    def messages_come(self, count: int) -> None:
        for _ in range(count):
            self.queue.message_came()


async def test_in_a_quiet_moment_a_turn_is_started_at_once() -> None:
    starts = Starts()

    starts.messages_come(SUDDEN - 1)
    starts.add(1, 2, 3)
    await asyncio.sleep(0)

    assert starts.begun == ["1", "2", "3"]


async def test_a_burst_is_known_by_its_first_messages() -> None:
    starts = Starts()

    starts.messages_come(SUDDEN)
    starts.add(1)
    await asyncio.sleep(SUDDEN_SECONDS / 2)
    assert starts.begun == []
    await starts.until_begun(1)


async def test_messages_that_come_less_suddenly_are_a_burst_if_they_are_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(start_queue, "BURST_SECONDS", 5.0)
    starts = Starts()

    for _ in range(BURST - 1):
        starts.messages_come(1)
        await asyncio.sleep(SUDDEN_SECONDS / 10)
    starts.add(1)
    await asyncio.sleep(0)
    assert starts.begun == ["1"]

    starts.messages_come(1)
    assert not starts.queue.is_quiet


async def test_turns_wait_while_they_must_and_are_then_started_in_lots() -> None:
    starts, must_wait = Starts(), True
    starts.queue = StartQueue(starts, must_wait=lambda: must_wait)

    starts.add(1, 2)
    await asyncio.sleep(3 * PAUSE_SECONDS)
    before = list(starts.begun)
    must_wait = False
    await starts.until_begun(2)

    assert before == []
    assert starts.begun == ["1", "2"]
    assert starts.queue.is_quiet


async def test_turns_of_a_burst_wait_until_it_is_over_and_are_then_started_in_lots() -> None:
    starts = Starts()
    turns = AFTER_BURST + 4
    began = asyncio.get_running_loop().time()

    starts.messages_come(BURST)
    starts.add(*range(turns))
    await starts.until_begun(1)
    first_lot, waited = len(starts.begun), asyncio.get_running_loop().time() - began
    await starts.until_begun(turns)

    assert waited >= BURST_SECONDS
    assert first_lot == AFTER_BURST
    assert starts.begun == [str(number) for number in range(turns)]
    # Nobody's log line names another's request.
    assert starts.requests == list(range(turns))


async def test_a_burst_that_does_not_end_holds_back_no_turn_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start_queue, "HELD_SECONDS", 0.2)
    starts = Starts()
    began = asyncio.get_running_loop().time()

    starts.messages_come(BURST)
    starts.add(*range(20))
    while len(starts.begun) < 3:
        starts.messages_come(BURST)
        await asyncio.sleep(0.01)
    took = asyncio.get_running_loop().time() - began

    assert took >= 0.2 + 2 * PAUSE_SECONDS
    assert len(starts.begun) == 3


async def test_no_more_are_under_way_than_may_be() -> None:
    starts = Starts()
    starts.add(*range(STARTS_MAX + 10))

    await starts.until_begun(STARTS_MAX)
    await asyncio.sleep(3 * PAUSE_SECONDS)
    assert len(starts.begun) == STARTS_MAX
    starts.let.set()
    await starts.until_begun(STARTS_MAX + 10)


async def test_what_is_too_much_or_too_late_is_left_to_the_sweeper() -> None:
    starts = Starts()
    starts.add(*range(STARTS_MAX + WAITING_MAX))

    assert not starts.queue.add(turn(-1))
    await starts.until_begun(STARTS_MAX)
    starts.let.set()
    await starts.queue.aclose()
    await asyncio.sleep(2 * PAUSE_SECONDS)

    assert len(starts.begun) == STARTS_MAX
