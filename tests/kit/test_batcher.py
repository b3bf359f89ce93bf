import asyncio
from collections.abc import Sequence

import pytest

from neo.kit import Batcher


class Slow:
    """Answers with squares, one call at a time, when it is let."""

    def __init__(self, *, most: int = 100) -> None:
        self.calls: list[list[int]] = []
        self.let = asyncio.Event()
        self.ask = Batcher(self._squares, most=most, name="squares")

    async def _squares(self, numbers: list[int]) -> Sequence[int | Exception]:
        self.calls.append(numbers)
        await self.let.wait()
        if 13 in numbers:
            raise LookupError("unlucky")
        return [number**2 if number else ValueError("zero") for number in numbers]


async def test_what_is_asked_while_a_call_is_under_way_goes_with_the_next() -> None:
    slow = Slow()
    first = asyncio.create_task(slow.ask(2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = [asyncio.create_task(slow.ask(number)) for number in (3, 4, 5)]
    await asyncio.sleep(0)
    slow.let.set()

    assert await asyncio.gather(first, *others) == [4, 9, 16, 25]
    assert slow.calls == [[2], [3, 4, 5]]


async def test_a_call_takes_no_more_than_it_may() -> None:
    slow = Slow(most=2)
    slow.let.set()

    assert await asyncio.gather(*(slow.ask(number) for number in range(1, 6))) == [1, 4, 9, 16, 25]
    assert max(map(len, slow.calls)) == 2


async def test_an_error_is_raised_where_it_was_asked_and_a_broken_call_breaks_no_later_one() -> None:
    slow = Slow()
    slow.let.set()

    answers = await asyncio.gather(slow.ask(0), slow.ask(1), return_exceptions=True)
    assert isinstance(answers[0], ValueError)
    assert answers[1] == 1
    with pytest.raises(LookupError):
        await slow.ask(13)
    assert await slow.ask(3) == 9


async def test_one_who_stops_waiting_takes_nothing_from_the_others() -> None:
    slow = Slow()
    left, stayed = asyncio.create_task(slow.ask(2)), asyncio.create_task(slow.ask(3))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    left.cancel()
    slow.let.set()

    assert await stayed == 9
    assert await slow.ask(4) == 16
