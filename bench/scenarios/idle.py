"""2,000 tails that wait for nothing: what it takes to open them and to hold them."""

import asyncio
from time import perf_counter

from bench.figures import Figure, one
from bench.load import begun
from bench.neo import Neo
from bench.neo_user import NeoUser
from bench.rest import settled

TITLE = "2,000 idle tails"
TAILS = 2000
AT_ONCE = 64
# One keep-alive of each tail falls into it.
IDLE_SECONDS = 15.0


async def run(neo: Neo) -> list[Figure]:
    users = await begun([NeoUser(neo) for _ in range(TAILS)])
    await settled(neo.parts)
    before = neo.parts.memory_mib()
    began = perf_counter()
    tails, opened_ms = await _open_all(users)
    seconds = perf_counter() - began
    await settled(neo.parts)
    after = neo.parts.memory_mib()
    with neo.parts.measured() as cost:
        await asyncio.sleep(IDLE_SECONDS)
    ended = sum(1 for tail in tails if tail.done())
    for user in users:
        user.leave()
    await asyncio.gather(*tails, return_exceptions=True)
    await settled(neo.parts)
    each = {part: (after[part] - before[part]) * 1024 / TAILS for part in after}
    return [
        one("time to open all", "s", seconds, f"by {AT_ONCE} at a time; {ended} ended early"),
        Figure("open one", "ms", opened_ms),
        one("memory of a tail, server", "KiB", each["server"], "the kernel's socket buffers are not in it"),
        one("memory of a tail, other parts", "KiB", sum(each.values()) - each["server"]),
        cost.shares(),
        neo.parts.memory(),
    ]


async def _open_all(users: list[NeoUser]) -> tuple[list["asyncio.Task[None]"], list[float]]:
    free, opened_ms = asyncio.Semaphore(AT_ONCE), list[float]()

    async def open_one(user: NeoUser) -> "asyncio.Task[None]":
        async with free:
            began, opened = perf_counter(), asyncio.Event()
            tail = asyncio.create_task(user.tail(lambda _: opened.set(), follow=True))
            tail.add_done_callback(lambda _: opened.set())
            await opened.wait()
            opened_ms.append((perf_counter() - began) * 1000)
            return tail

    return list(await asyncio.gather(*(open_one(user) for user in users))), opened_ms
