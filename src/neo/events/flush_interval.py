"""When a writer appends what it has been given to say."""

import asyncio
from contextlib import suppress

# What is said within this time goes together: nobody sees text move in smaller steps.
GATHER_SECONDS = 0.025
# Under load appends take long, and each writer makes fewer of them: a share of the time, up to a bound. That is shorter
# than a full house rests between two readings of an answer, so what one has brought does not wait for the next.
GATHER_APPENDS = 10
GATHER_SECONDS_MAX = 0.09
# What is said before the first word, that the turn has begun, waits this long for it: nobody sees a difference, and the
# first word does not wait for that append's end.
FIRST_WORD_SECONDS = 0.1


class Pace:
    """The first word goes out at once. After that an append carries what came since the one before."""

    def __init__(self) -> None:
        self._next_at = _now() + FIRST_WORD_SECONDS
        self._hurried = asyncio.Event()
        self._gathers = True

    def hurry(self) -> None:
        """What is there now is not to wait for more."""
        self._hurried.set()

    def gather_no_more(self) -> None:
        """Someone waits for the end."""
        self._gathers = False
        self.hurry()

    async def wait(self) -> None:
        left = self._next_at - _now()
        if self._gathers and left > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._hurried.wait()
        self._hurried.clear()

    def appended(self, began: float) -> None:
        took = GATHER_APPENDS * (_now() - began)
        self._next_at = began + min(max(took, GATHER_SECONDS), GATHER_SECONDS_MAX)


def _now() -> float:
    return asyncio.get_running_loop().time()
