"""One clock for the keep-alives of all tails: a timer and a question to Valkey of each would cost more than they do."""

import asyncio
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from neo.events import EventLog, Position
from neo.kit import keep_running
from neo.streams import StreamsUnavailable

# A keep-alive may be late by this.
TICK_SECONDS = 1.0


class TimedTail(Protocol):
    """A tail, as the clock sees it."""

    @property
    def due(self) -> float:
        """When its next keep-alive is due, by the loop's clock."""
        ...

    @property
    def idle_at(self) -> tuple[UUID, Position | None] | None:
        """Its session and its position there, while it need only know whether the stream has more."""
        ...

    def keep_alive(self, *, is_up_to_date: bool) -> None: ...


class KeepAliveClock:
    """Wakes the tails that are due. Valkey is asked once for all of them that are idle."""

    def __init__(self, events: EventLog, *, tick_seconds: float = TICK_SECONDS) -> None:
        self._events = events
        self._tick_seconds = tick_seconds
        self._tails: set[TimedTail] = set()
        self._task: asyncio.Task[None] | None = None

    def add(self, tail: TimedTail) -> None:
        self._tails.add(tail)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(keep_running("keep-alives", self._run))

    def remove(self, tail: TimedTail) -> None:
        self._tails.discard(tail)

    async def _run(self) -> None:
        while self._tails:
            await asyncio.sleep(self._tick_seconds)
            await self._tick()
        self._task = None

    async def _tick(self) -> None:
        now = asyncio.get_running_loop().time()
        due = [tail for tail in self._tails if tail.due <= now]
        idle = [(tail, idle_at) for tail in due if (idle_at := tail.idle_at) is not None]
        for tail in set(due).difference(tail for tail, _ in idle):
            tail.keep_alive(is_up_to_date=False)
        if idle:
            beyond = await self._beyond([idle_at for _, idle_at in idle])
            for (tail, _), has_more in zip(idle, beyond, strict=True):
                tail.keep_alive(is_up_to_date=not has_more)

    async def _beyond(self, positions: Sequence[tuple[UUID, Position | None]]) -> list[bool]:
        try:
            return await self._events.has_beyond(positions)
        except StreamsUnavailable:
            # Each tail finds out for itself, and is served from PostgreSQL.
            return [True] * len(positions)
