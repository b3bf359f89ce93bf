"""So many at once, shared fairly among those who ask: who holds the fewest is next."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID


class FairSlots:
    """However many slots one tenant waits for, another one's first waits for the next that becomes free."""

    def __init__(self, most: int, *, each: int | None = None) -> None:
        """`each`: the most that one tenant has at once, all if none is given."""
        self._free = most
        self._each = most if each is None else each
        self._held: Counter[UUID] = Counter()
        # In the order in which the tenants were served last.
        self._waiting: dict[UUID, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def slot(self, tenant_id: UUID) -> AsyncIterator[None]:
        """Wait for a slot, hold it in the block, and give it back."""
        await self.take(tenant_id)
        try:
            yield
        finally:
            self.give_back(tenant_id)

    def is_free(self, tenant_id: UUID) -> bool:
        """Whether the tenant would be served at once: nobody waits for a free slot but who has all of their own."""
        return self._free > 0 and self._held[tenant_id] < self._each

    async def take(self, tenant_id: UUID) -> None:
        if self.is_free(tenant_id):
            self._take(tenant_id)
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant_id, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self.give_back(tenant_id)
            raise

    def give_back(self, tenant_id: UUID) -> None:
        self._free += 1
        self._held[tenant_id] -= 1
        if not self._held[tenant_id]:
            del self._held[tenant_id]
        while next_ones := [one for one in self._waiting if self.is_free(one)]:
            self._serve(min(next_ones, key=self._held.__getitem__))

    def _take(self, tenant_id: UUID) -> None:
        self._free -= 1
        self._held[tenant_id] += 1

    def _serve(self, tenant_id: UUID) -> None:
        turns = self._waiting.pop(tenant_id)
        turn = turns.popleft()
        if turns:
            self._waiting[tenant_id] = turns
        if not turn.done():
            self._take(tenant_id)
            turn.set_result(None)
