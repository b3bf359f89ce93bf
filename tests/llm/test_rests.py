"""Many answers at once are read less often each; one alone is read as it comes."""

import asyncio
import itertools
import time
from contextlib import aclosing

import pytest

from neo.events.flush_interval import GATHER_SECONDS_MAX
from neo.llm import Models, Prompt, TextDelta, Tier
from neo.llm.rests import READINGS_A_SECOND, REST_SECONDS_MAX, TOGETHER_SECONDS, Rests

TOKENS = 60
DELAY_MS = 5
MANY = 120
# Pieces of one reading follow each other within this; two tokens of the model never do.
SAME_READING_SECONDS = 0.002


async def test_of_many_answers_each_is_read_seldom_and_whole(models: Models) -> None:
    heard = await asyncio.gather(*(times_of_pieces(models) for _ in range(MANY)))

    assert {len(times) for times in heard} == {TOKENS}
    rest = MANY / READINGS_A_SECOND
    took = max(times[-1] - times[0] for times in heard)
    at_most = took / rest + 10
    assert sorted(readings(times) for times in heard)[MANY // 2] < min(at_most, TOKENS / 2)


async def test_one_answer_alone_is_read_as_it_comes(models: Models) -> None:
    times = await times_of_pieces(models)

    assert readings(times) > TOKENS / 2


def test_a_rest_grows_with_the_answers_up_to_a_bound() -> None:
    rests = Rests()
    with rests.one_more(), rests.one_more():
        assert rests.over_at(7.001) == 7.001 + 2 / READINGS_A_SECOND
    assert rests.over_at(7.001) == 7.001
    rests._answers = 10_000
    assert rests.over_at(7.0) == pytest.approx(7.0 + REST_SECONDS_MAX)


@pytest.mark.parametrize("answers", [41, 100, 300])
def test_answers_that_rest_long_are_read_in_the_same_moments(answers: int) -> None:
    rests = Rests()
    rests._answers = answers
    rest = min(answers / READINGS_A_SECOND, REST_SECONDS_MAX)
    began = [1_000 + 0.0037 * number for number in range(answers)]

    moments = {rests.over_at(at) for at in began}

    assert len(moments) <= (began[-1] - began[0]) / TOGETHER_SECONDS + 2
    assert all(abs(rests.over_at(at) - at - rest) <= TOGETHER_SECONDS / 2 + 1e-9 for at in began)
    # From then on they stay together, and are read about as often as each would be alone.
    at = first = moments.pop()
    for _ in range(100):
        at = rests.over_at(at)
    assert (at - first) / 100 == pytest.approx(rest, abs=TOGETHER_SECONDS / 2 + 1e-6)


def test_what_a_reading_brings_is_appended_before_the_next_one() -> None:
    assert GATHER_SECONDS_MAX <= REST_SECONDS_MAX - TOGETHER_SECONDS / 2 + 1e-9


async def times_of_pieces(models: Models) -> list[float]:
    chosen = models.choose(Tier.FAST, f"scripted:tokens={TOKENS},delay_ms={DELAY_MS}", None)
    async with aclosing(models.answer(chosen, Prompt("", (), "hello"))) as pieces:
        said = [(time.monotonic(), piece.text) async for piece in pieces if isinstance(piece, TextDelta)]
    return [at for at, text in said for _ in text.split()]


def readings(times: list[float]) -> int:
    return 1 + sum(b - a > SAME_READING_SECONDS for a, b in itertools.pairwise(times))
