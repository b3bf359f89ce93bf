import asyncio

import pytest

from neo.turns import telling_later
from neo.turns.telling_later import TELLING_MAX, TellingLater
from support.recorded import Recorded, request, turn


class Telling(Recorded):
    """Takes until it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.later = TellingLater(self)

    def add(self, *numbers: int) -> None:
        for number in numbers:
            request.set(number)
            self.later.add(turn(number))


async def test_it_is_told_a_while_later_with_what_its_request_had_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(telling_later, "HELD_SECONDS", 0.2)
    telling = Telling()
    telling.let.set()
    telling.add(1, 2)

    await asyncio.sleep(0.05)
    assert telling.begun == []
    await telling.until_begun(2)

    assert telling.begun == ["1", "2"]
    assert telling.requests == [1, 2]


async def test_who_is_about_to_leave_has_all_told_and_waits_for_it() -> None:
    telling = Telling()
    telling.add(*range(TELLING_MAX + 2))
    leaving = asyncio.create_task(telling.later.all_now())
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
