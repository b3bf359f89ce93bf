"""Room to drive turns in this process, and the turns that were claimed for it with their message."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from neo.telemetry import turn_metrics
from neo.turns.leases.claim import Task


class Places:
    """Closed until the process is ready to drive turns, and for good where it never is.

    A tenant may take every place but the last ones, which are for tenants that have none.
    """

    def __init__(self, most: int, reserved_share: float) -> None:
        self.most = most
        self._shared = most - int(most * reserved_share)
        self._taken: Counter[UUID] = Counter()
        self._reserved = 0
        self._is_open = False
        # Set when there is a reason to look for claimable turns.
        self.look = asyncio.Event()
        # Claimed with their message; each has its place.
        self.accepted: asyncio.Queue[Task] = asyncio.Queue()

    @property
    def is_open(self) -> bool:
        return self._is_open

    @property
    def free(self) -> int:
        return self.most - self._taken.total() - self._reserved if self._is_open else 0

    @property
    def are_taken(self) -> bool:
        """Whether any is: by a turn that is driven, or that is being accepted or claimed."""
        return self._taken.total() + self._reserved > 0

    @property
    def full_tenants(self) -> list[UUID]:
        """Tenants that may take no more now."""
        return list(self._taken) if self._taken.total() >= self._shared else []

    def open(self) -> None:
        self._is_open = True
        self._measure()
        self.look.set()

    def close(self) -> None:
        self._is_open = False
        self._measure()

    def take(self, tenant_id: UUID) -> bool:
        """Whether there is a place that the tenant may take; it is taken then."""
        is_shared_full = self._taken.total() + self._reserved >= self._shared
        if self.free < 1 or (tenant_id in self._taken and is_shared_full):
            return False
        self.add(tenant_id)
        return True

    @contextmanager
    def reserved(self, most: int) -> Iterator[int]:
        """Places for turns that are about to be claimed, of which tenants is not known yet: so many, at most `most`.

        Past what a tenant may take it is one, so that no tenant gets two of the last ones.
        """
        shared = self._shared - self._taken.total() - self._reserved
        count = max(0, min(most, self.free, max(shared, 1)))
        self._reserved += count
        try:
            yield count
        finally:
            self._reserved -= count

    def add(self, tenant_id: UUID) -> None:
        """Take a place that was reserved."""
        self._taken[tenant_id] += 1
        self._measure()

    def give_back(self, tenant_id: UUID) -> None:
        self._taken[tenant_id] -= 1
        if not self._taken[tenant_id]:
            del self._taken[tenant_id]
        self._measure()
        self.look.set()

    def _measure(self) -> None:
        turn_metrics.places_are(self.most if self._is_open else 0, driven=self._taken.total())
