"""What was published to one reader's session since the reader last took it."""

import asyncio
from collections.abc import Callable

from neo.events.entry import Entry


class Subscription:
    """A bounded buffer. Past its bound, or when the connection was lost, it only says that something was missed."""

    __slots__ = (
        "_bytes",
        "_bytes_max",
        "_entries",
        "_is_open",
        "_is_woken",
        "_leave",
        "_missed",
        "_waiter",
        "_woken_to_look",
        "was_confirmed",
    )

    def __init__(self, bytes_max: int, *, leave: Callable[["Subscription"], None]) -> None:
        self._bytes_max = bytes_max
        self._leave = leave
        self._is_open = True
        # Valkey had confirmed it before the reader got it: whatever is published from then on is received.
        self.was_confirmed = False
        self._bytes = 0
        self._entries: list[Entry] = []
        self._missed = False
        self._woken_to_look = False
        self._is_woken = False
        self._waiter: asyncio.Future[None] | None = None

    def close(self) -> None:
        """Receive nothing more. To close it twice is harmless."""
        if self._is_open:
            self._is_open = False
            self._leave(self)

    def receive(self, entry: Entry | None) -> None:
        """An event was published, or None: a wake-up to look at PostgreSQL."""
        if entry is None:
            self._woken_to_look = True
        elif not self._missed:
            self._entries.append(entry)
            self._bytes += len(entry.frame)
            if self._bytes > self._bytes_max:
                self.miss()
        self.wake()

    def miss(self) -> None:
        """Something may have been published that was not received."""
        self._missed = True
        self._clear()
        self.wake()

    def wake(self) -> None:
        """End the reader's wait, or its next one."""
        self._is_woken = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def take(self) -> list[Entry]:
        entries = self._entries
        if entries:
            self._clear()
        return entries

    def take_missed(self) -> bool:
        missed, self._missed = self._missed, False
        return missed

    def take_woken_to_look(self) -> bool:
        woken, self._woken_to_look = self._woken_to_look, False
        return woken

    async def wait(self, seconds: float | None = None) -> None:
        """Return when something has happened since the last return, or the time is over."""
        if not self._is_woken:
            loop = asyncio.get_running_loop()
            waiter = self._waiter = loop.create_future()
            alarm = loop.call_later(seconds, _end_wait, waiter) if seconds is not None else None
            try:
                await waiter
            finally:
                if alarm is not None:
                    alarm.cancel()
                self._waiter = None
        self._is_woken = False

    def _clear(self) -> None:
        self._entries = []
        self._bytes = 0


def _end_wait(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
