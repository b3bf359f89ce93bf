import asyncio

import pytest

from neo.turns.starting import telling_later
from neo.turns.starting.telling_later import TELLING_MAX, TellingLater
from neo.turns.temporal.contract import TurnInput
from support.recorded import Recorded, request, turn


class Telling(Recorded):
    """Takes until it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.later = TellingLater(self)
        self.ended: list[str] = []

    async def __call__(self, begun: TurnInput) -> None:
        if begun.has_ended:
            self.ended.append(begun.turn_id)
        await super().__call__(begun)

    def add(self, *numbers: int) -> None:
        for number in numbers:
            request.set(number)
            assert self.later.add(turn(number), asyncio.create_task(answered()))


async def answered() -> None: ...


async def broken() -> None:
    raise LookupError("the provider is away")


async def test_it_is_told_with_whether_its_step_has_closed_the_turn() -> None:
    telling = Telling()
    telling.let.set()
    request.set(0)
    steps = [answered(), broken(), asyncio.sleep(60), asyncio.sleep(60)]
    tasks = [asyncio.create_task(step) for step in steps]
    for number, task in enumerate(tasks):
        telling.later.add(turn(number), task)
    tasks[3].cancel()
    await asyncio.wait({tasks[0], tasks[1], tasks[3]})
    await telling.later.all_now()
    tasks[2].cancel()

    assert sorted(telling.begun) == ["0", "1", "2", "3"]
    assert telling.ended == ["0"]


async def test_no_more_are_held_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling_later, "HELD_MAX", 2)
    telling = Telling()
    telling.let.set()
    telling.add(1, 2)

    assert not telling.later.add(turn(3), asyncio.create_task(answered()))
    await telling.later.all_now()
    assert sorted(telling.begun) == ["1", "2"]
    telling.add(4)
    await telling.later.all_now()


async def test_it_is_behind_while_too_many_that_are_ready_wait_to_be_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(telling_later, "HELD_SECONDS", 0.01)
    monkeypatch.setattr(telling_later, "BEHIND_MAX", TELLING_MAX + 2)
    telling = Telling()
    telling.add(*range(TELLING_MAX + 1))
    await telling.until_begun(TELLING_MAX)
    before = telling.later.is_behind

    telling.add(-1)
    await asyncio.sleep(0.05)
    behind = telling.later.is_behind
    telling.let.set()
    await telling.until_begun(TELLING_MAX + 2)
    await telling.later.all_now()

    assert (before, behind, telling.later.is_behind) == (False, True, False)


async def test_it_is_told_a_while_later_with_what_its_request_had_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(telling_later, "HELD_SECONDS", 0.2)
    telling = Telling()
    telling.let.set()
    telling.add(1, 2)

    await asyncio.sleep(0.05)
    assert telling.begun == []
    assert telling.later.turn_ids == ["1", "2"]
    await telling.until_begun(2)
    await telling.later.all_now()

    assert telling.later.turn_ids == []
    assert telling.begun == ["1", "2"]
    assert telling.requests == [1, 2]


async def test_one_whose_step_goes_on_is_told_when_that_ends_or_when_it_takes_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(telling_later, "HELD_SECONDS", 0.01)
    monkeypatch.setattr(telling_later, "HELD_SECONDS_MAX", 0.4)
    telling = Telling()
    telling.let.set()
    request.set(0)
    short, long = (asyncio.create_task(asyncio.sleep(seconds)) for seconds in (0.1, 60))
    telling.later.add(turn(1), short)
    telling.later.add(turn(2), long)

    await asyncio.sleep(0.05)
    assert telling.begun == []
    await telling.until_begun(1)
    assert telling.begun == telling.ended == ["1"]
    await telling.until_begun(2)
    long.cancel()

    assert telling.begun == ["1", "2"]
    assert telling.ended == ["1"]


async def test_who_is_about_to_leave_has_all_told_and_waits_for_it() -> None:
    telling = Telling()
    telling.add(*range(TELLING_MAX + 2))
    leaving = asyncio.create_task(telling.later.all_now())
    await telling.until_begun(TELLING_MAX)
    await asyncio.sleep(0.05)
    at_once = len(telling.begun)
    telling.let.set()

    async with asyncio.timeout(1):
        await leaving

    assert at_once == TELLING_MAX
    assert len(telling.begun) == TELLING_MAX + 2


async def test_what_cannot_be_told_is_not_waited_for_by_who_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling_later, "LEAVE_SECONDS", 0.1)
    telling = Telling()
    telling.add(*range(TELLING_MAX + 2))

    async with asyncio.timeout(5):
        await telling.later.all_now()
        await telling.later.all_now()

    assert len(telling.begun) == TELLING_MAX


class FullHouse(Telling):
    """Three go on, which is one more than may while Temporal is told of what has ended."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, waiting_max: int = 9, seconds: float = 60) -> None:
        super().__init__()
        for name, value in {
            "HELD_SECONDS": 0.01,
            "FULL": 2,
            "WAITING_MAX": waiting_max,
            "WAITING_SECONDS": seconds,
        }.items():
            monkeypatch.setattr(telling_later, name, value)
        self.let.set()
        request.set(0)
        self.going_on = [asyncio.create_task(asyncio.sleep(60)) for _ in range(3)]
        for number, step in enumerate(self.going_on):
            self.later.add(turn(100 + number), step)

    async def one_ends(self, number: int) -> None:
        self.add(number)
        await asyncio.sleep(0.1)

    async def one_waits(self, number: int) -> None:
        await self.one_ends(number)
        assert self.begun == []

    async def leave(self) -> None:
        await self.later.all_now()
        for step in self.going_on:
            step.cancel()


async def test_in_a_full_house_what_has_ended_is_told_once_fewer_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house = FullHouse(monkeypatch)
    await house.one_waits(1)

    house.going_on[0].cancel()
    await house.until_begun(2)

    # The one that was cut has not closed its turn, and is its workflow's.
    assert sorted(house.begun) == ["1", "100"]
    assert house.ended == ["1"]
    await house.leave()


async def test_in_a_full_house_no_more_than_so_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    house = FullHouse(monkeypatch, waiting_max=2)
    await house.one_waits(1)

    await house.one_ends(2)

    assert sorted(house.begun) == ["1", "2"]
    await house.leave()


async def test_in_a_full_house_nothing_waits_for_longer_than_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    house = FullHouse(monkeypatch, seconds=0.2)
    await house.one_waits(1)

    await house.until_begun(1)

    assert house.ended == ["1"]
    await house.leave()


async def test_in_a_full_house_a_step_that_broke_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    house = FullHouse(monkeypatch)
    house.later.add(turn(1), asyncio.create_task(broken()))

    await house.until_begun(1)

    assert house.ended == []
    await house.leave()


async def test_who_leaves_a_full_house_has_all_told(monkeypatch: pytest.MonkeyPatch) -> None:
    house = FullHouse(monkeypatch)
    await house.one_ends(1)
    house.add(2)

    async with asyncio.timeout(1):
        await house.leave()

    assert sorted(house.begun) == ["1", "100", "101", "102", "2"]
    assert sorted(house.ended) == ["1", "2"]
