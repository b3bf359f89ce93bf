"""Large bodies are parsed one after the other, and only so often: meanwhile nobody else is answered."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from neo.errors import Failure, Kind
from neo.kit import FairSlots

# What is smaller costs a millisecond at most.
LARGE_BYTES = 64 * 1024
# The event loop belongs to everybody else for so many times as long as the body before took, some 15 ms for the
# largest: a request takes several turns of the loop, and would wait for a body at each.
OTHERS_SHARE = 4
# Of a tenant, each up to a megabyte that waits in memory; it takes half a second to parse them.
WAITING_MAX = 8

Parsed = TypeVar("Parsed")


class TooManyLargeBodies(Failure):
    """Your tenant has sent eight bodies of more than 64 KiB that still wait to be read."""

    kind = Kind.RATE_LIMITED
    code = "too_many_large_bodies"
    remedy = "Send large bodies one after the other."


class LargeBodies:
    def __init__(self) -> None:
        self._slots = FairSlots(1)
        self._waiting = Counter[UUID]()
        self._free_at = 0.0

    async def parsed(self, tenant_id: UUID, parse: Callable[[], Parsed]) -> Parsed:
        """What `parse` returns, when it is this tenant's turn."""
        if self._waiting[tenant_id] >= WAITING_MAX:
            raise TooManyLargeBodies(
                "Too many large bodies at once: wait for the answers.", retry_after_seconds=1
            )
        self._waiting[tenant_id] += 1
        try:
            async with self._slots.slot(tenant_id):
                return await self._alone(parse)
        finally:
            self._waiting[tenant_id] -= 1
            if not self._waiting[tenant_id]:
                del self._waiting[tenant_id]

    async def _alone(self, parse: Callable[[], Parsed]) -> Parsed:
        await asyncio.sleep(max(0.0, self._free_at - time.monotonic()))
        # What others of the machine take is not this body's fault.
        before = time.thread_time()
        try:
            return parse()
        finally:
            self._free_at = time.monotonic() + OTHERS_SHARE * (time.thread_time() - before)
