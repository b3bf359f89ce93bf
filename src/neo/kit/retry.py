"""Trying again after an error: background work, and how long to wait before the next attempt."""

import asyncio
import random
from collections.abc import Awaitable, Callable

AGAIN_SECONDS = 1.0


async def keep_running(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Run background work that the process needs; when it raises, log the error and start it again."""
    while True:
        try:
            await work()
        except Exception:  # noqa: BLE001 - it is logged with its traceback.
            # A tenth of a second of imports, which every command would wait for.
            import structlog  # noqa: PLC0415

            structlog.get_logger().exception("background_work_failed", work=name, again_seconds=AGAIN_SECONDS)
            await asyncio.sleep(AGAIN_SECONDS)
        else:
            return


class Backoff:
    """Doubling waits with jitter, so that many clients of a store that comes back do not come at once."""

    def __init__(self, *, first_seconds: float, most_seconds: float) -> None:
        self._first_seconds = first_seconds
        self._most_seconds = most_seconds
        self._next_seconds = first_seconds

    def next_seconds(self) -> float:
        seconds = self._next_seconds
        self._next_seconds = min(seconds * 2, self._most_seconds)
        return seconds * random.uniform(0.5, 1.0)  # noqa: S311  (jitter, not a secret)

    def reset(self) -> None:
        self._next_seconds = self._first_seconds
