"""A provider that is down is left alone for a while, then tried by one call."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import httpx2
import pytest

from neo.llm import Models, ModelSpec, Prompt, ProviderSettings, ProviderUnavailable, Tier
from neo.llm.deltas import Delta, TextDelta
from neo.llm.transport.breaker import OPEN_FIRST_SECONDS, Breaker

WORD = TextDelta(part=0, text="w1")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def down() -> AsyncGenerator[Delta, None]:
    raise ProviderUnavailable
    yield WORD


async def up(gate: asyncio.Event | None = None) -> AsyncGenerator[Delta, None]:
    if gate is not None:
        await gate.wait()
    yield WORD


async def called(breaker: Breaker, deltas: AsyncGenerator[Delta, None]) -> bool:
    try:
        async with aclosing(breaker.guard(deltas)) as guarded:
            return [delta async for delta in guarded] == [WORD]
    except ProviderUnavailable:
        return False


async def opened(clock: Clock) -> Breaker:
    breaker = Breaker("scripted/global", 3, clock)
    for _ in range(3):
        await called(breaker, down())
    return breaker


async def test_it_opens_after_so_many_failures_in_a_row_and_says_when_to_come_back() -> None:
    breaker = Breaker("scripted/global", 3, Clock())

    for deltas in (down(), down(), up(), down(), down()):
        await called(breaker, deltas)
    assert await called(breaker, up())

    for _ in range(3):
        await called(breaker, down())
    with pytest.raises(ProviderUnavailable) as refused:
        async with aclosing(breaker.guard(up())) as deltas:
            await anext(deltas)
    assert refused.value.retry_after_seconds == OPEN_FIRST_SECONDS


async def test_one_call_tries_at_a_time_and_its_success_closes_it() -> None:
    clock = Clock()
    breaker = await opened(clock)
    clock.now += OPEN_FIRST_SECONDS

    gate = asyncio.Event()
    trial = asyncio.create_task(called(breaker, up(gate)))
    await asyncio.sleep(0)

    other = await called(breaker, up())
    gate.set()

    assert not other
    assert await trial
    assert await called(breaker, up())


async def test_a_trial_that_fails_waits_twice_as_long_and_one_that_is_given_up_frees_its_place() -> None:
    clock = Clock()
    breaker = await opened(clock)
    clock.now += OPEN_FIRST_SECONDS
    await called(breaker, down())
    clock.now += OPEN_FIRST_SECONDS
    assert not await called(breaker, up())
    clock.now += OPEN_FIRST_SECONDS

    trial = breaker.guard(endless())
    assert await anext(trial) == WORD
    await trial.aclose()

    assert await called(breaker, up())


async def test_the_provider_is_not_called_while_it_is_open(scripted_url: str) -> None:
    models = Models(
        ModelSpec.parse("scripted:status=500,key=breaker"),
        ModelSpec.parse("scripted:tokens=1"),
        ProviderSettings(scripted_model_url=scripted_url, breaker_failures=3),
    )
    chosen = models.choose(Tier.FAST, None, None)
    for _ in range(6):
        with pytest.raises(ProviderUnavailable):
            async with aclosing(models.answer(chosen, Prompt("", [], "Hello"))) as deltas:
                await anext(deltas)

    async with httpx2.AsyncClient(
        base_url=scripted_url.removesuffix("/v1"), trust_env=False, verify=False
    ) as http:
        calls = (await http.get("/control/calls", params={"model": "status=500,key=breaker"})).json()["calls"]
    assert len(calls) == 3
    await models.aclose()


async def endless() -> AsyncGenerator[Delta, None]:
    while True:
        yield WORD
