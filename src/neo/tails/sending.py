"""A bound on how long one send may take."""

from starlette.types import Message, Send

from neo.kit import Bound


class BoundedSend(Bound):
    """Raises TimeoutError out of a send that takes too long."""

    __slots__ = ("_seconds", "_send")

    def __init__(self, send: Send, seconds: float) -> None:
        super().__init__()
        self._send = send
        self._seconds = seconds

    async def __call__(self, message: Message) -> None:
        await self.wait(self._send(message), self._loop.time() + self._seconds)
