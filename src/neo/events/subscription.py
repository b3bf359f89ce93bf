"""One reader's place in the hub: what was published since it last looked."""

import asyncio

from neo.events.entry import Entry


class Watch:
    """A bounded buffer. Past its bound, or when the connection was lost, it only says: read again."""

    __slots__ = ("_bytes", "_bytes_max", "_entries", "_is_called", "_missed", "_nudged", "_waiter")

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._bytes = 0
        self._entries: list[Entry] = []
        self._missed = False
        self._nudged = False
        self._is_called = False
        self._waiter: asyncio.Future[None] | None = None

    def hear(self, entry: Entry | None) -> None:
        """An event, or a nudge, was published."""
        if entry is None:
            self._nudged = True
        elif not self._missed:
            self._entries.append(entry)
            self._bytes += len(entry.frame)
            if self._bytes > self._bytes_max:
                self.miss()
        self.call()

    def miss(self) -> None:
        """Something may have been published that was not heard."""
        self._missed = True
        self._forget()
        self.call()

    def call(self) -> None:
        """End the reader's wait, or its next one."""
        self._is_called = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def take(self) -> list[Entry]:
        entries = self._entries
        if entries:
            self._forget()
        return entries

    def take_missed(self) -> bool:
        missed, self._missed = self._missed, False
        return missed

    def take_nudged(self) -> bool:
        nudged, self._nudged = self._nudged, False
        return nudged

    async def wait(self, seconds: float | None = None) -> None:
        """Return when something has happened since the last return, or the time is over."""
        if not self._is_called:
            loop = asyncio.get_running_loop()
            waiter = self._waiter = loop.create_future()
            alarm = loop.call_later(seconds, _ring, waiter) if seconds is not None else None
            try:
                await waiter
            finally:
                if alarm is not None:
                    alarm.cancel()
                self._waiter = None
        self._is_called = False

    def _forget(self) -> None:
        self._entries = []
        self._bytes = 0


def _ring(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
