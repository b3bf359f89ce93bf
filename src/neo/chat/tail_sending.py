"""A bound on how long one send may take, at almost no cost for each send."""

import asyncio
from types import TracebackType
from typing import Self

from starlette.types import Message, Send


class BoundedSend:
    """Raises TimeoutError out of a send that takes too long.

    One timer serves all sends of a while: setting one up for each (`asyncio.timeout`) took a quarter of the
    time that a busy server has for its readers.
    """

    __slots__ = ("_began", "_is_late", "_loop", "_seconds", "_send", "_task", "_timer")

    def __init__(self, send: Send, seconds: float) -> None:
        self._send = send
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._began: float | None = None
        self._is_late = False
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()

    async def __call__(self, message: Message) -> None:
        self._began = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._look)
        try:
            await self._send(message)
        except asyncio.CancelledError:
            # Only our own cancel becomes a timeout; one from outside goes on as it is.
            if self._is_late and self._task is not None and self._task.uncancel() == 0:
                raise TimeoutError from None
            raise
        finally:
            self._began = None

    def _look(self) -> None:
        self._timer = None
        if self._began is None:
            return
        left_seconds = self._began + self._seconds - self._loop.time()
        if left_seconds > 0:
            self._timer = self._loop.call_later(left_seconds, self._look)
        elif self._task is not None:
            self._is_late = True
            self._task.cancel()
