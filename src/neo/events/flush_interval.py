"""When a writer appends what it has been given."""

import asyncio
from contextlib import suppress

# What is written within this time is appended together: nobody sees text move in smaller steps.
INTERVAL_SECONDS = 0.025
# Under load appends take long, and each writer makes fewer of them: the interval is so many times as long as the last
# append took, up to a bound. The bound is shorter than the time between two readings of one model's answer under load,
# so what one reading brought does not wait for the next.
INTERVAL_APPENDS = 10
INTERVAL_SECONDS_MAX = 0.09
# What is written before the first delta (that the turn has begun) waits this long for it: nobody sees a difference, and
# the first delta does not wait for another append to end.
FIRST_DELTA_SECONDS = 0.1


class FlushInterval:
    """The first delta is appended at once. After that an append carries what came since the one before."""

    def __init__(self) -> None:
        self._next_at = _now() + FIRST_DELTA_SECONDS
        self._flush_now = asyncio.Event()
        self._is_waiting = True

    def flush_now(self) -> None:
        """What is there now is not to wait for more."""
        self._flush_now.set()

    def stop_waiting(self) -> None:
        """Append at once from now on: someone waits for the end."""
        self._is_waiting = False
        self.flush_now()

    async def wait(self) -> None:
        left = self._next_at - _now()
        if self._is_waiting and left > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._flush_now.wait()
        self._flush_now.clear()

    def appended(self, began: float) -> None:
        took = INTERVAL_APPENDS * (_now() - began)
        self._next_at = began + min(max(took, INTERVAL_SECONDS), INTERVAL_SECONDS_MAX)


def _now() -> float:
    return asyncio.get_running_loop().time()
