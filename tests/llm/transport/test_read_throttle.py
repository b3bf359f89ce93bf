"""Many answers at once are read less often each; one alone is read as it comes."""

import asyncio
import itertools
import time
from contextlib import aclosing

import pytest

from neo.events.transcript_buffer import INTERVAL_SECONDS_MAX
from neo.llm import Models, Prompt, TextDelta, Tier
from neo.llm.transport.body import READS_PER_SECOND, WAIT_SECONDS_MAX, ReadThrottle

TOKENS = 60
DELAY_MS = 5
MANY = 120
TRIES = 3
# Pieces of one reading follow each other within this; two tokens of the model never do.
SAME_READING_SECONDS = 0.002


async def test_of_many_answers_each_is_read_seldom_and_whole(models: Models) -> None:
    received = await asyncio.gather(*(times_of_deltas(models) for _ in range(MANY)))

    assert {len(times) for times in received} == {TOKENS}
    wait = MANY / READS_PER_SECOND
    took = max(times[-1] - times[0] for times in received)
    at_most = took / wait + 10
    assert sorted(readings(times) for times in received)[MANY // 2] < min(at_most, TOKENS / 2)


async def test_one_answer_alone_is_read_as_it_comes(models: Models) -> None:
    # On a busy machine the model itself says several at once.
    found = [readings(await times_of_deltas(models)) for _ in range(TRIES)]

    assert max(found) > TOKENS / 2


def test_a_rest_grows_with_the_answers_up_to_a_bound() -> None:
    throttle = ReadThrottle()
    with throttle.one_more(), throttle.one_more():
        assert throttle.next_read_at(7.001) == 7.001 + 2 / READS_PER_SECOND
    assert throttle.next_read_at(7.001) == 7.001
    throttle._answers = 10_000
    assert throttle.next_read_at(7.0) == pytest.approx(7.0 + WAIT_SECONDS_MAX)


def test_what_a_reading_brings_is_appended_before_the_next_one() -> None:
    assert INTERVAL_SECONDS_MAX <= WAIT_SECONDS_MAX


async def times_of_deltas(models: Models) -> list[float]:
    chosen = models.choose(Tier.FAST, f"scripted:tokens={TOKENS},delay_ms={DELAY_MS}", None)
    async with aclosing(models.answer(chosen, Prompt("", (), "hello"))) as deltas:
        said = [(time.monotonic(), delta.text) async for delta in deltas if isinstance(delta, TextDelta)]
    return [at for at, text in said for _ in text.split()]


def readings(times: list[float]) -> int:
    return 1 + sum(b - a > SAME_READING_SECONDS for a, b in itertools.pairwise(times))
