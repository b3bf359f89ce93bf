"""2,000 tails that wait for nothing: what it takes to open them and to hold them."""

import asyncio
from time import perf_counter

from bench.figures import Figure, one
from bench.load import begun
from bench.neo import Neo
from bench.neo_user import NeoUser
from bench.rest import settled
from bench.tails import AT_ONCE, close_tails, open_tails

TITLE = "2,000 idle tails"
TAILS = 2000
# One keep-alive of each tail falls into it.
IDLE_SECONDS = 15.0


async def run(neo: Neo) -> list[Figure]:
    users = await begun([NeoUser(neo) for _ in range(TAILS)])
    await settled(neo.parts)
    before = neo.parts.memory_mib()
    began = perf_counter()
    tails = await open_tails(users, [_not_heard] * TAILS)
    seconds = perf_counter() - began
    await settled(neo.parts)
    after = neo.parts.memory_mib()
    with neo.parts.measured() as cost:
        await asyncio.sleep(IDLE_SECONDS)
    ended = await close_tails(users, tails)
    await settled(neo.parts)
    each = {part: (after[part] - before[part]) * 1024 / TAILS for part in after}
    return [
        one("time to open all", "s", seconds, f"by {AT_ONCE} at a time; {ended}"),
        Figure("open one", "ms", [opened_ms for _, opened_ms in tails]),
        one("memory of a tail, server", "KiB", each["server"], "the kernel's socket buffers are not in it"),
        one("memory of a tail, other parts", "KiB", sum(each.values()) - each["server"]),
        cost.shares(),
        neo.parts.memory(),
    ]


def _not_heard(_data: bytes) -> None: ...
