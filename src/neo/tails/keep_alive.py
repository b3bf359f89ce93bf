"""One clock for all tails of a process: a timer and a question to Valkey of each would cost more than they do."""

import asyncio
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from neo.events import EventLog, Position
from neo.kit import keep_running
from neo.streams import StreamsUnavailable

# A keep-alive may be late by this.
ROUND_SECONDS = 1.0


class Looker(Protocol):
    """A tail, as a round sees it."""

    @property
    def due(self) -> float:
        """When it is to be reminded, by the loop's clock."""
        ...

    @property
    def place(self) -> tuple[UUID, Position | None] | None:
        """Its session and where it is there, while all that it needs to know is whether there is more."""
        ...

    def remind(self, *, is_up_to_date: bool) -> None: ...


class Rounds:
    """Reminds tails that are due; those that have only to look into the stream are looked for together."""

    def __init__(self, events: EventLog, *, seconds: float = ROUND_SECONDS) -> None:
        self._events = events
        self._seconds = seconds
        self._tails: set[Looker] = set()
        self._task: asyncio.Task[None] | None = None

    def join(self, tail: Looker) -> None:
        self._tails.add(tail)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(keep_running("tail-rounds", self._run))

    def quit(self, tail: Looker) -> None:
        self._tails.discard(tail)

    async def _run(self) -> None:
        while self._tails:
            await asyncio.sleep(self._seconds)
            await self._remind()
        self._task = None

    async def _remind(self) -> None:
        now = asyncio.get_running_loop().time()
        due = [tail for tail in self._tails if tail.due <= now]
        places = [(tail, place) for tail in due if (place := tail.place) is not None]
        for tail in set(due).difference(tail for tail, _ in places):
            tail.remind(is_up_to_date=False)
        if places:
            beyond = await self._beyond([place for _, place in places])
            for (tail, _), has_more in zip(places, beyond, strict=True):
                tail.remind(is_up_to_date=not has_more)

    async def _beyond(self, places: Sequence[tuple[UUID, Position | None]]) -> list[bool]:
        try:
            return await self._events.has_beyond(places)
        except StreamsUnavailable:
            # Each finds out for itself, and does without the stream.
            return [True] * len(places)
