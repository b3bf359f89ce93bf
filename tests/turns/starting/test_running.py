"""One step of a turn in a process, whoever asks for it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from neo.turns.starting.running import EARLY_MAX, QUIET_MAX, RunningSteps


class Begun:
    """Counts how often each turn's step is begun, and lets it end."""

    def __init__(self) -> None:
        self.count: dict[str, int] = {}
        self.let = asyncio.Event()
        self.error: Exception | None = None

    def step(self, turn_id: str) -> Callable[[], Coroutine[Any, Any, None]]:
        async def run() -> None:
            self.count[turn_id] = self.count.get(turn_id, 0) + 1
            await self.let.wait()
            if self.error is not None:
                raise self.error

        return run


@pytest.fixture
def begun() -> Begun:
    return Begun()


async def test_an_attempt_goes_on_with_the_step_that_runs(begun: Begun) -> None:
    steps = RunningSteps()
    first = steps.begin_or_join("a", begun.step("a"))
    second = steps.begin_or_join("a", begun.step("a"))
    begun.let.set()

    await asyncio.gather(first, second)
    assert begun.count == {"a": 1}


async def test_once_it_has_ended_another_attempt_begins_anew(begun: Begun) -> None:
    steps = RunningSteps()
    begun.let.set()
    await steps.begin_or_join("a", begun.step("a"))
    await asyncio.sleep(0)
    await steps.begin_or_join("a", begun.step("a"))

    assert begun.count == {"a": 2}


async def test_what_became_of_an_early_step_is_its_attempts_and_nobody_elses(begun: Begun) -> None:
    steps = RunningSteps()
    begun.error = LookupError("the provider is away")
    begun.let.set()
    steps.begin_early("a", begun.step("a"))
    await asyncio.sleep(0.01)

    with pytest.raises(LookupError):
        await steps.begin_or_join("a", begun.step("a"))
    assert begun.count == {"a": 1}

    begun.error = None
    await steps.begin_or_join("a", begun.step("a"))
    assert begun.count == {"a": 2}


async def test_where_many_are_held_temporal_hears_of_the_next_one_later_too(begun: Begun) -> None:
    steps = RunningSteps()

    assert steps.begin_early("a", begun.step("a"), held=QUIET_MAX - 1) is None
    assert steps.begin_early("b", begun.step("b"), held=QUIET_MAX) is not None
    begun.let.set()
    await steps.aclose()


async def test_one_that_ended_early_is_not_begun_early_again_while_its_attempt_is_awaited(
    begun: Begun,
) -> None:
    steps = RunningSteps()
    begun.let.set()
    steps.begin_early("a", begun.step("a"))
    await asyncio.sleep(0.01)
    steps.begin_early("a", begun.step("a"))
    await asyncio.sleep(0.01)

    assert begun.count == {"a": 1}


async def test_no_more_than_may_be_are_begun_early_and_none_twice(begun: Begun) -> None:
    steps = RunningSteps()
    for number in range(EARLY_MAX + 3):
        steps.begin_early(str(number), begun.step(str(number)))
    steps.begin_early("0", begun.step("0"))
    await asyncio.sleep(0)

    assert begun.count == {str(number): 1 for number in range(EARLY_MAX)}
    await steps.aclose()


async def test_what_is_begun_in_the_database_is_begun_however_many_run(begun: Begun) -> None:
    steps = RunningSteps()
    for number in range(EARLY_MAX):
        steps.begin_early(str(number), begun.step(str(number)))

    steps.begin_early("stored as begun", begun.step("stored as begun"), is_begun=True)
    await asyncio.sleep(0)

    assert begun.count["stored as begun"] == 1
    assert len(steps.early_turn_ids) == EARLY_MAX + 1
    await steps.aclose()


async def test_in_a_full_house_temporal_may_hear_of_an_early_step_later(begun: Begun) -> None:
    steps = RunningSteps()
    later = [steps.begin_early(str(number), begun.step(str(number))) for number in range(QUIET_MAX + 2)]

    assert [step is not None for step in later] == [False] * QUIET_MAX + [True] * 2
    assert steps.begin_early("0", begun.step("0")) is None
    await steps.aclose()


async def test_a_house_is_not_full_of_steps_that_have_ended(begun: Begun) -> None:
    steps = RunningSteps()
    begun.let.set()
    for number in range(QUIET_MAX):
        steps.begin_early(str(number), begun.step(str(number)))
    await asyncio.sleep(0.01)

    assert steps.begin_early("last", begun.step("last")) is None
    await steps.aclose()


async def test_at_the_end_those_that_nobody_waits_for_are_ended(begun: Begun) -> None:
    steps = RunningSteps()
    steps.begin_early("a", begun.step("a"))
    joined = steps.begin_or_join("a", begun.step("a"))
    await asyncio.sleep(0)
    await steps.aclose()

    assert joined.cancelled()
