"""2,000 tails that wait for nothing: what it takes to open them and to hold them."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter

from bench.figures import Figure, one
from bench.idle import until_idle
from bench.load import begun
from bench.neo import Neo
from bench.neo_user import NeoUser
from bench.parts import Cost
from bench.tails import AT_ONCE, close_tails, open_tails

TITLE = "2,000 idle tails"
TAILS = 2000
# One keep-alive of each tail falls into each window. One in a minute is PostgreSQL's vacuum of what came before.
IDLE_SECONDS = 15.0
WINDOWS = 4


async def run(neo: Neo) -> list[Figure]:
    users = await begun([NeoUser(neo) for _ in range(TAILS)])
    await until_idle(neo.parts)
    before = neo.parts.memory_mib()
    began = perf_counter()
    tails = await open_tails(users, [_not_heard] * TAILS)
    seconds = perf_counter() - began
    await until_idle(neo.parts)
    after = neo.parts.memory_mib()
    costs = [await _idle(neo) for _ in range(WINDOWS)]
    ended = await close_tails(users, tails)
    await until_idle(neo.parts)
    each = {part: (after[part] - before[part]) * 1024 / TAILS for part in after}
    return [
        one("time to open all", "s", seconds, f"by {AT_ONCE} at a time; {ended}"),
        Figure("open one", "ms", [opened_ms for _, opened_ms in tails]),
        one("memory of a tail, server", "KiB", each["server"], "the kernel's socket buffers are not in it"),
        one("memory of a tail, other parts", "KiB", sum(each.values()) - each["server"]),
        _shares(costs),
        neo.parts.memory(),
    ]


async def _idle(neo: Neo) -> Cost:
    with neo.parts.measured() as cost:
        await asyncio.sleep(IDLE_SECONDS)
    return cost


def _shares(costs: Sequence[Cost]) -> Figure:
    """Of each window; whose they are, of all together."""
    each = [share for cost in costs for share in cost.shares().values]
    return replace(Cost.total(costs).shares(), values=each)


def _not_heard(_data: bytes) -> None: ...
