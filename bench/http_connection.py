"""One HTTP connection of the load client: raw bytes out, raw bytes in, no more parsing than is needed."""

import asyncio
import re
from collections.abc import Callable
from typing import Self, cast

HEAD_END = b"\r\n\r\n"
# A chunked body ends so; no line of an event stream begins with a nought.
BODY_END = b"\r\n0\r\n\r\n"
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)

OnData = Callable[[bytes], None]


class RefusedError(Exception):
    """The server answered with something else than 2xx; `code` says what, or else the status does."""

    def __init__(self, answer: bytes) -> None:
        super().__init__(answer.decode(errors="replace"))
        found = re.search(rb'"code": ?"(\w+)"', answer)
        self.code = (found[1] if found else answer[9:12]).decode()


class HttpConnection(asyncio.Protocol):
    """Kept alive, one request at a time."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._body_at = 0
        self._length: int | None = None
        self._on_data: OnData | None = None
        self._whole: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(cls, port: int) -> Self:
        _, connection = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return connection

    async def ask(self, sent: bytes) -> bytes:
        """The answer's body, of a known length or in chunks as they came."""
        await self._say(sent, None)
        return bytes(self._received[self._body_at :])

    async def listen(self, sent: bytes, on_data: OnData) -> None:
        """Have all that is received heard, head and chunk sizes included, until the body ends."""
        await self._say(sent, on_data)

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    async def _say(self, sent: bytes, on_data: OnData | None) -> None:
        if self._transport is None or not self.is_open:
            raise ConnectionError("The server has closed this connection.")
        self._received.clear()
        self._body_at, self._on_data = 0, on_data
        self._whole = asyncio.get_running_loop().create_future()
        self._transport.write(sent)
        await self._whole

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's are no subclass of asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._whole is not None and not self._whole.done():
            self._whole.set_exception(exc or ConnectionError("The server closed the connection."))

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._body_at and not self._read_head():
            return
        if self._on_data is not None:
            self._on_data(data)
            # What was heard is not needed, but for a glance at how the body ends.
            del self._received[: -len(BODY_END)]
        if self._whole is not None and not self._whole.done() and self._is_whole():
            self._whole.set_result(None)

    def _read_head(self) -> bool:
        at = self._received.find(HEAD_END)
        if at < 0:
            return False
        self._body_at = at + len(HEAD_END)
        found = LENGTH.search(self._received, 0, at)
        self._length = int(found[1]) if found else None
        if self._received[9:10] != b"2" and self._whole is not None:
            self._whole.set_exception(RefusedError(bytes(self._received)))
            self.close()
        return True

    def _is_whole(self) -> bool:
        if self._length is None:
            return self._received.endswith(BODY_END)
        return len(self._received) - self._body_at >= self._length


def request(method: str, path: str, *headers: str, body: bytes = b"") -> bytes:
    length = (f"Content-Length: {len(body)}", "Content-Type: application/json") if body else ()
    return (
        "\r\n".join((f"{method} {path} HTTP/1.1", "Host: bench", *headers, *length, "", "")).encode() + body
    )


def value_of(answer: bytes, name: str) -> str:
    """The first value under this name in a JSON text, whatever it is in."""
    found = re.search(rb'"%b": ?"?([^",}]+)' % name.encode(), answer)
    if found is None:
        raise ValueError(f"There is no {name} in {answer[:200]!r}.")
    return found[1].decode()
