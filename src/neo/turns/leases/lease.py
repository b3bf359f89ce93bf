"""The leases that this process holds, and the turns that it waits for while others drive them."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from neo.turns.task import Task

# Once this has passed without a renewal, whoever has a place may claim the turn. It is renewed each second, and a full
# processor makes a renewal late by a second at most.
LEASE = timedelta(seconds=4)


class Lease:
    """Held while the task that drives the turn runs. `cancelled` is set once the turn is to stop."""

    def __init__(self, lease_id: UUID, driving: asyncio.Task[Any]) -> None:
        self.id = lease_id
        self.cancelled = asyncio.Event()
        self.is_lost = False
        self._driving = driving

    def lose(self) -> None:
        """Somebody else has claimed the turn, or ended it: whoever drives it here stops."""
        if not self.is_lost:
            self.is_lost = True
            self._driving.cancel()


class Leases:
    def __init__(self) -> None:
        self._held: dict[UUID, Lease] = {}
        self._joined: dict[UUID, list[asyncio.Event]] = {}

    @contextmanager
    def held(self, task: Task) -> Iterator[Lease]:
        driving = asyncio.current_task()
        assert driving is not None  # noqa: S101 - only called in one.
        lease = self._held[task.turn.id] = Lease(task.lease_id, driving)
        if task.turn.cancel_requested_at is not None:
            lease.cancelled.set()
        try:
            yield lease
        finally:
            if self._held.get(task.turn.id) is lease:
                del self._held[task.turn.id]

    @contextmanager
    def joined(self, turn_id: UUID) -> Iterator[asyncio.Event]:
        """An event that is set once the turn has ended, waits, or may be claimed."""
        changed = asyncio.Event()
        self._joined.setdefault(turn_id, []).append(changed)
        try:
            yield changed
        finally:
            self._joined[turn_id].remove(changed)
            if not self._joined[turn_id]:
                del self._joined[turn_id]

    def cancel(self, turn_id: UUID) -> None:
        if (lease := self._held.get(turn_id)) is not None:
            lease.cancelled.set()

    def to_renew(self) -> tuple[list[UUID], list[UUID], list[UUID]]:
        """Turns, their leases, and the turns that are waited for. It may be called from another thread."""
        held = list(self._held.items())
        return [turn for turn, _ in held], [lease.id for _, lease in held], list(self._joined)

    def receive(self, asked: tuple[list[UUID], list[UUID], list[UUID]], rows: Sequence[Any]) -> None:
        """What the renewal has found, of the leases that it was asked to renew."""
        leases = dict(zip(asked[0], asked[1], strict=True))
        for row in rows:
            lease = self._held.get(row["id"])
            if lease is not None and lease.id == leases.get(row["id"]):
                if row["is_lost"]:
                    lease.lose()
                elif row["is_to_stop"]:
                    lease.cancelled.set()
            if row["is_claimable"] or row["status"] != "RUNNING":
                for changed in self._joined.get(row["id"], ()):
                    changed.set()
