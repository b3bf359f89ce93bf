"""A bound on how long each of many waits may take, at almost no cost for each."""

import asyncio
from collections.abc import Awaitable
from types import TracebackType
from typing import Self, TypeVar

T = TypeVar("T")


class Bound:
    """Raises TimeoutError out of a wait that is not over at its deadline. Only the task that enters it may use it.

    One timer serves many waits: setting one up for each (`asyncio.timeout`) takes more of a busy server's
    time than most of what is waited for.
    """

    __slots__ = ("_deadline", "_is_late", "_loop", "_task", "_timer", "_timer_at")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        # The state of the current wait.
        self._deadline: float | None = None
        self._is_late = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()

    async def wait(self, awaited: Awaitable[T], deadline: float) -> T:
        """Wait until this moment of the loop's clock at most."""
        self._deadline, self._is_late = deadline, False
        if self._timer is None or deadline < self._timer_at:
            self._set(deadline)
        try:
            return await awaited
        except asyncio.CancelledError:
            # Only our own cancellation becomes a timeout; one from outside is raised unchanged.
            if self._is_late and self._task is not None and self._task.uncancel() == 0:
                raise TimeoutError from None
            raise
        finally:
            self._deadline = None

    def _set(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = self._loop.call_at(at, self._look), at

    def _look(self) -> None:
        self._timer = None
        if self._deadline is None:
            return
        if self._deadline > self._loop.time():
            self._set(self._deadline)
        elif self._task is not None:
            self._is_late = True
            self._task.cancel()
