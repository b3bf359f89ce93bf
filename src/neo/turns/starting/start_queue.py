"""Turns that wait for their start: of many messages that are accepted at once, all go before the turns."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from typing import Any

from neo.turns.temporal.contract import TurnInput

# Starts under way at once in one process. More would not be sooner, for Temporal takes them one by one.
STARTS_MAX = 50
# Turns that wait in one process; what is over it is left to the sweeper.
WAITING_MAX = 10_000
# So many messages in so short a time are a burst: more than a process can answer, so its turns wait for each other in
# any case. All of its messages go before them: whoever posts waits for the posts alone.
BURST = 64
BURST_SECONDS = 0.3
# A burst is known by its first ones already: of those that come before it is known, the turns begin beside all others.
SUDDEN = 16
SUDDEN_SECONDS = 0.05
# A burst that lasts longer does not hold back all turns any more: one is started in each pause. After it so many are,
# for it may go on.
HELD_SECONDS = 3.0
PAUSE_SECONDS = 0.05
AFTER_BURST = 16

Start = Callable[[TurnInput], Coroutine[Any, Any, None]]


class StartQueue:
    """In a quiet moment a turn is started at once; otherwise in the order in which they came."""

    def __init__(self, start: Start, *, must_wait: Callable[[], bool] = lambda: False) -> None:
        self._start = start
        self._must_wait = must_wait
        # When the newest messages came.
        self._came: deque[float] = deque(maxlen=BURST)
        # Each with the context of its own request, which the log names.
        self._waiting: deque[tuple[TurnInput, Context]] = deque()
        self._under_way: set[asyncio.Task[None]] = set()
        self._emptying: asyncio.Task[None] | None = None

    def message_came(self) -> None:
        self._came.append(_now())

    def add(self, turn: TurnInput) -> bool:
        """Whether it will be started here."""
        if len(self._waiting) == WAITING_MAX:
            return False
        if not self.is_quiet:
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
    def is_quiet(self) -> bool:
        """Whether a turn is started at once."""
        return not (self._waiting or self._holds_back or len(self._under_way) >= STARTS_MAX)

    @property
    def _holds_back(self) -> bool:
        return self._is_burst or self._must_wait()

    @property
    def _is_burst(self) -> bool:
        return self._came_within(BURST, BURST_SECONDS) or self._came_within(SUDDEN, SUDDEN_SECONDS)

    def _came_within(self, count: int, seconds: float) -> bool:
        return len(self._came) >= count and _now() - self._came[-count] < seconds

    async def _empty(self) -> None:
        held_until = _now() + HELD_SECONDS
        try:
            while self._waiting:
                await asyncio.sleep(PAUSE_SECONDS)
                if not self._holds_back:
                    self._begin_next(AFTER_BURST)
                elif _now() > held_until:
                    self._begin_next(1)
        finally:
            self._emptying = None

    def _begin_next(self, most: int) -> None:
        for _ in range(min(most, STARTS_MAX - len(self._under_way), len(self._waiting))):
            self._begin(*self._waiting.popleft())

    def _begin(self, turn: TurnInput, context: Context) -> None:
        task = asyncio.create_task(self._start(turn), context=context)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)


def _now() -> float:
    return asyncio.get_running_loop().time()
