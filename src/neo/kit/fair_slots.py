"""So many at once, shared fairly among those who ask: who holds the fewest is next."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID


class FairSlots:
    """However many slots one tenant waits for, another one's first waits for the next that becomes free."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._held: Counter[UUID] = Counter()
        # In the order in which the tenants were served last.
        self._waiting: dict[UUID, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def slot(self, tenant_id: UUID) -> AsyncIterator[None]:
        """Wait for a slot, hold it in the block, and give it back."""
        if self._free and not self._waiting:
            self._take(tenant_id)
        else:
            await self._wait(tenant_id)
        try:
            yield
        finally:
            self._give_back(tenant_id)

    async def _wait(self, tenant_id: UUID) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant_id, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._give_back(tenant_id)
            raise

    def _take(self, tenant_id: UUID) -> None:
        self._free -= 1
        self._held[tenant_id] += 1

    def _give_back(self, tenant_id: UUID) -> None:
        self._free += 1
        self._held[tenant_id] -= 1
        if not self._held[tenant_id]:
            del self._held[tenant_id]
        while self._free and self._waiting:
            self._serve(min(self._waiting, key=self._held.__getitem__))

    def _serve(self, tenant_id: UUID) -> None:
        turns = self._waiting.pop(tenant_id)
        turn = turns.popleft()
        if turns:
            self._waiting[tenant_id] = turns
        if not turn.done():
            self._take(tenant_id)
            turn.set_result(None)
