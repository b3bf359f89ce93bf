"""The leases that this process holds, the turns that it waits for while others drive them, and their renewal."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import structlog

from neo.db import Database, DatabaseUnavailable
from neo.turns.leases.claim import LEASE, Task
from neo.turns.leases.places import Places

log = structlog.get_logger()

RENEW_SECONDS = 1.0
# While PostgreSQL is away: once it is back, leases are renewed before anybody may take them over.
AGAIN_SECONDS = 0.25
# PostgreSQL was away for a renewal that took longer: others could not renew their leases either.
REACHED_SECONDS = 1.0
# After this without a renewal the process itself was away, frozen for instance: its own leases are about to pass.
ABSENT_SECONDS = LEASE.total_seconds() - RENEW_SECONDS
TICK_SECONDS = 0.5
# A full processor makes a loop late by a second or two. One that is later hangs, and its turns are given to others.
SILENT_SECONDS = 30.0


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


class Renewal:
    """Made in the main loop; `run` belongs to another thread's, with a database of its own."""

    def __init__(self, database: Database, leases: Leases, places: Places) -> None:
        self._database = database
        self._leases = leases
        self._places = places
        self._process_id: UUID = uuid4()
        self._main_loop = asyncio.get_running_loop()
        self._ticked_at = time.monotonic()
        self._reached_since: float | None = None
        self._reached_at = 0.0

    @property
    def takes_over(self) -> bool:
        """Whether a lease that has passed means that its driver is gone: PostgreSQL has been there for a whole lease,
        and this process too, so that whoever lives could renew.
        """
        since, now = self._reached_since, time.monotonic()
        was_here = now - self._reached_at < ABSENT_SECONDS
        return since is not None and was_here and now - since > LEASE.total_seconds()

    async def tick(self) -> None:
        """In the main loop: shows that it runs."""
        while True:
            self._ticked_at = time.monotonic()
            await asyncio.sleep(TICK_SECONDS)

    async def run(self) -> None:
        while True:
            if time.monotonic() - self._ticked_at < SILENT_SECONDS:
                await self._renew()
            else:
                log.error("renewals_stopped", reason="The main loop hangs.")
            await asyncio.sleep(RENEW_SECONDS if self._reached_since is not None else AGAIN_SECONDS)

    async def aclose(self) -> None:
        await self._database.aclose()

    async def _renew(self) -> None:
        asked, began = self._leases.to_renew(), time.monotonic()
        # A process that drains still renews, and is no longer one that runs turns.
        places = self._places.most if self._places.is_open else 0
        try:
            rows = await self._database.call("neo_renew_leases", self._process_id, places, *asked, LEASE)
        except DatabaseUnavailable:
            self._reached_since = None
            log.debug("renewal_waits_for_database")
            return
        now = time.monotonic()
        # A process that was frozen comes late too: its own leases have passed, and others may live as it does.
        is_late = began - self._reached_at > ABSENT_SECONDS
        if self._reached_since is None or is_late or now - began > REACHED_SECONDS:
            self._reached_since = now
        self._reached_at = now
        self._main_loop.call_soon_threadsafe(self._leases.receive, asked, rows)
