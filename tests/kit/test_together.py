"""One question for many who ask at the same time."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from neo.kit import Together
from neo.kit.together import UNDER_WAY_MAX

ASKERS = 100


class Oracle:
    """Answers with the number of its question, when it may."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, set[int]]] = []
        self.may_answer = asyncio.Event()
        self.together = Together(self._put)

    async def _put(self, key: str, items: set[int]) -> int:
        number = len(self.asked)
        self.asked.append((key, set(items)))
        await self.may_answer.wait()
        if key == "broken":
            raise LookupError(key)
        return number


async def busy() -> Oracle:
    """With as many questions under way as there may be."""
    oracle = Oracle()
    for number in range(UNDER_WAY_MAX):
        asking = asyncio.create_task(oracle.together.ask(f"other {number}", 0))
        asking.add_done_callback(lambda _: None)
    await until(lambda: len(oracle.asked) == UNDER_WAY_MAX)
    return oracle


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(2):
        while not condition():
            await asyncio.sleep(0)


async def test_one_who_asks_alone_is_answered_at_once() -> None:
    oracle = Oracle()
    oracle.may_answer.set()

    assert await oracle.together.ask("a", 1) == 0
    assert await oracle.together.ask("a", 1) == 1
    assert oracle.asked == [("a", {1}), ("a", {1})]


async def test_who_asks_while_questions_are_under_way_joins_the_next_of_their_key() -> None:
    oracle = await busy()
    asking = [asyncio.create_task(oracle.together.ask("ab"[item % 2], item)) for item in range(ASKERS)]
    await asyncio.sleep(0)
    oracle.may_answer.set()
    await asyncio.gather(*asking)

    assert oracle.asked[UNDER_WAY_MAX:] == [
        ("a", set(range(0, ASKERS, 2))),
        ("b", set(range(1, ASKERS, 2))),
    ]


async def test_nobody_is_answered_by_a_question_that_was_put_before_theirs() -> None:
    oracle = Oracle()
    early = asyncio.create_task(oracle.together.ask("a", 1))
    await until(lambda: len(oracle.asked) == 1)
    late = asyncio.create_task(oracle.together.ask("a", 1))
    await until(lambda: len(oracle.asked) == 2)
    oracle.may_answer.set()

    assert (await early, await late) == (0, 1)


async def test_a_question_that_fails_fails_for_all_who_asked_it_and_no_other() -> None:
    oracle = await busy()
    asking: list[Awaitable[int]] = [oracle.together.ask("broken", item) for item in range(3)]
    oracle.may_answer.set()
    answers = await asyncio.gather(*asking, oracle.together.ask("a", 1), return_exceptions=True)

    assert [type(answer) for answer in answers] == [LookupError, LookupError, LookupError, int]


async def test_whoever_gives_up_leaves_the_answer_to_the_others() -> None:
    oracle = Oracle()
    first, second = (asyncio.create_task(oracle.together.ask("a", item)) for item in range(2))
    await until(lambda: bool(oracle.asked))
    first.cancel()
    oracle.may_answer.set()

    assert await second == 0
    with pytest.raises(asyncio.CancelledError):
        await first
