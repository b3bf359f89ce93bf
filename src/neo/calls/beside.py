"""Which calls run beside each other: those that read, a few at a time; of those with an effect, one a connection."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from neo.calls.call import Call
from neo.connections import Effect

READERS_MAX = 8


async def run_beside(calls: Sequence[Call], run: Callable[[Call], Awaitable[None]]) -> None:
    """Run all of them; what one raises ends the others, and is raised. Effects keep the order of the calls."""
    places = asyncio.Semaphore(READERS_MAX)
    writers: dict[UUID, list[Call]] = {}

    async def read(call: Call) -> None:
        async with places:
            await run(call)

    async def write(queue: Sequence[Call]) -> None:
        for call in queue:
            await run(call)

    running: list[asyncio.Task[Any]] = []
    for call in calls:
        if call.effect is Effect.READ:
            running.append(asyncio.create_task(read(call)))
        else:
            writers.setdefault(call.connection_id, []).append(call)
    running += [asyncio.create_task(write(queue)) for queue in writers.values()]
    if not running:
        return
    try:
        await asyncio.wait(running, return_when=asyncio.FIRST_EXCEPTION)
        for one in running:
            if one.done():
                one.result()
    finally:
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)
