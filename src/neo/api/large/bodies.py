"""Large bodies are parsed, and large answers made, one after the other and only so often: meanwhile nobody else is
answered.
"""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from starlette.requests import Request

from neo.api.large.asked import Asked
from neo.api.large.sender import Sender, sender_of
from neo.errors import Failure, Kind
from neo.kit import FairSlots

# What is smaller costs a millisecond at most.
LARGE_BYTES = 64 * 1024
# The event loop belongs to everybody else for so many times as long as the one before took, some 15 ms for the
# largest body and 50 ms for the largest page: a request takes several turns of the loop, and would wait at each.
OTHERS_SHARE = 4
# Of a tenant, each up to a megabyte that waits in memory, or a page of four; it takes half a second to do them.
WAITING_MAX = 8

Done = TypeVar("Done")


class TooManyLargeBodies(Failure):
    """Eight bodies of more than 64 KiB that your tenant has sent, or asked for such as pages of long messages, still
    wait for their turn. End users are refused when six wait, Admins when nine do.
    """

    kind = Kind.RATE_LIMITED
    code = "too_many_large_bodies"
    remedy = "Send large bodies, and ask for large pages, one after the other."


class LargeBodies:
    def __init__(self) -> None:
        self._slots = FairSlots(1)
        self._asked = Asked(WAITING_MAX, _too_many)
        self._free_at = 0.0

    async def in_turn(self, sender: Sender, do: Callable[[], Done]) -> Done:
        """What `do` returns, when it is this tenant's turn."""
        with self._asked.one_more(sender):
            async with self._slots.slot(sender.tenant_id):
                return await self._alone(do)

    async def _alone(self, do: Callable[[], Done]) -> Done:
        await asyncio.sleep(max(0.0, self._free_at - time.monotonic()))
        # What others of the machine take is not this one's fault.
        before = time.thread_time()
        try:
            return do()
        finally:
            self._free_at = time.monotonic() + OTHERS_SHARE * (time.thread_time() - before)


async def when_large(request: Request, size_bytes: int, do: Callable[[], Done]) -> Done:
    """Do what takes as long as so many bytes do: at once where they are few, else when it is the caller's turn."""
    if size_bytes <= LARGE_BYTES:
        return do()
    large: LargeBodies = request.app.state.large_bodies
    return await large.in_turn(sender_of(request), do)


def _too_many() -> TooManyLargeBodies:
    return TooManyLargeBodies("Too many large bodies at once: wait for the answers.", retry_after_seconds=1)
