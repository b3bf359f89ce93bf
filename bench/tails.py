"""Opening many tails, a bounded number at a time, as readers that come back after a restart would be spread."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from time import perf_counter

from bench.http_connection import OnData
from bench.load import reason
from bench.neo_user import NeoUser

AT_ONCE = 64

Opened = tuple["asyncio.Task[None]", float]


async def open_tails(users: Sequence[NeoUser], hears: Sequence[OnData]) -> list[Opened]:
    """Tails that follow their session over its turns, and how many milliseconds each took to open."""
    free = asyncio.Semaphore(AT_ONCE)

    async def open_one(user: NeoUser, on_data: OnData) -> Opened:
        async with free:
            return await _open(user, on_data)

    return list(await asyncio.gather(*map(open_one, users, hears)))


async def _open(user: NeoUser, on_data: OnData) -> Opened:
    # Who comes back connects anew; the server may be about to close what was idle for a while.
    user.leave()
    opened, began = asyncio.Event(), perf_counter()

    def heard(data: bytes) -> None:
        opened.set()
        on_data(data)

    tail = asyncio.create_task(user.tail(heard, follow=True))
    # A tail that was refused has ended.
    tail.add_done_callback(lambda _: opened.set())
    await opened.wait()
    return tail, (perf_counter() - began) * 1000


async def close_tails(users: Sequence[NeoUser], tails: Sequence[Opened]) -> str:
    """Leave; returns how many tails had ended before, and why."""
    ended = Counter(_why(tail) for tail, _ in tails if tail.done())
    for user in users:
        user.leave()
    await asyncio.gather(*(tail for tail, _ in tails), return_exceptions=True)
    return "ended early " + (", ".join(f"{count} {why}" for why, count in ended.items()) or "0")


def _why(tail: "asyncio.Task[None]") -> str:
    error = tail.exception()
    return reason(error) if isinstance(error, Exception) else "by itself"
