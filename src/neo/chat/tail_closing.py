"""The tails that are open in this process, and how they are told to leave."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Leaver(Protocol):
    def leave(self) -> None: ...


class OpenTails:
    """One task for all of them waits for the shutdown, and only while there are any."""

    def __init__(self, closing: asyncio.Event) -> None:
        self._closing = closing
        self._tails: set[Leaver] = set()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._tails)

    @contextmanager
    def holding(self, tail: Leaver) -> Iterator[None]:
        self._tails.add(tail)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._send_away(), name="tails-closing")
        if self._closing.is_set():
            tail.leave()
        try:
            yield
        finally:
            self._tails.discard(tail)
            if not self._tails and self._task is not None:
                self._task.cancel()
                self._task = None

    async def _send_away(self) -> None:
        await self._closing.wait()
        for tail in list(self._tails):
            tail.leave()
