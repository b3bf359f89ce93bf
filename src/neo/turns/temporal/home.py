"""The loop in which turns are answered, as seen from the one that talks with Temporal."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from neo.kit import run_in

Result = TypeVar("Result")

TICK_SECONDS = 0.5
# A full processor makes a loop late by a second or two. One that is later hangs, and its turns are given to others.
SILENT_SECONDS = 10.0


class Home:
    """Made in that loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ticked_at = time.monotonic()

    async def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        return await run_in(self._loop, coroutine)

    async def tick(self) -> None:
        while True:
            self._ticked_at = time.monotonic()
            await asyncio.sleep(TICK_SECONDS)

    @property
    def is_alive(self) -> bool:
        return time.monotonic() - self._ticked_at < SILENT_SECONDS
