"""Event loops in threads of their own, for work that the main loop must not delay."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from threading import Thread
from typing import Any, TypeVar

Result = TypeVar("Result")


def new_loop() -> asyncio.AbstractEventLoop:
    import uvloop  # noqa: PLC0415 - kept out of the commands that do not serve.

    return uvloop.new_event_loop()


async def run_in(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine in another thread's loop, and return its result here."""
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, loop))


@asynccontextmanager
async def loop_in_thread(name: str) -> AsyncIterator[asyncio.AbstractEventLoop]:
    loop = new_loop()
    thread = Thread(target=loop.run_forever, name=name, daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        await asyncio.to_thread(thread.join)
        loop.close()
