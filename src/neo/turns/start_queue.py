"""Turns that wait for their start: of many messages that are accepted at once, all go before the turns."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context, copy_context
from typing import Any

from neo.turns.contract import TurnInput

# Starts under way at once in one process. More would not be sooner, for Temporal takes them one by one.
STARTS_MAX = 50
# Turns that wait in one process; what is over it is left to the sweeper.
WAITING_MAX = 10_000
# While more messages than this are being accepted at once, turns are started this far apart: whoever posts waits for
# the post alone, and a turn of a burst waits for the turns before it in any case.
BURST = 32
BURST_PAUSE_SECONDS = 0.05

Start = Callable[[TurnInput], Coroutine[Any, Any, None]]


class StartQueue:
    """In a quiet moment a turn is started at once; otherwise in the order in which they came."""

    def __init__(self, start: Start) -> None:
        self._start = start
        self._accepting = 0
        # Each with the context of its own request, which the log names.
        self._waiting: deque[tuple[TurnInput, Context]] = deque()
        self._under_way: set[asyncio.Task[None]] = set()
        self._emptying: asyncio.Task[None] | None = None

    @contextmanager
    def accepting(self) -> Iterator[None]:
        """While a message is being accepted."""
        self._accepting += 1
        try:
            yield
        finally:
            self._accepting -= 1

    def add(self, turn: TurnInput) -> bool:
        """Whether it will be started here."""
        if len(self._waiting) == WAITING_MAX:
            return False
        if self._waiting or self._is_busy:
            self._waiting.append((turn, copy_context()))
            self._emptying = self._emptying or asyncio.create_task(self._empty(), name="start-queue")
        else:
            self._begin(turn, copy_context())
        return True

    async def aclose(self) -> None:
        """What waits is left to the sweepers; what is under way is waited for."""
        self._waiting.clear()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    @property
    def _is_busy(self) -> bool:
        return self._accepting > BURST or len(self._under_way) >= STARTS_MAX

    async def _empty(self) -> None:
        try:
            while self._waiting:
                if self._is_busy:
                    await asyncio.sleep(BURST_PAUSE_SECONDS)
                if self._waiting and len(self._under_way) < STARTS_MAX:
                    self._begin(*self._waiting.popleft())
        finally:
            self._emptying = None

    def _begin(self, turn: TurnInput, context: Context) -> None:
        task = asyncio.create_task(self._start(turn), context=context)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
