"""The half of a connection that watches whether its client reads."""

import asyncio
import socket
import struct
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

# A client that takes less than this of an answer in so many seconds does not read it, and what waits for it is memory.
READ_SECONDS = 30.0
READ_BYTES_MIN = 30 * 1024
# Nor does one that takes longer for an answer of known length: the largest, an image of 10 MiB, is sent at 35 KiB/s.
ANSWER_SECONDS_MAX = 300.0
NO_LINGER = struct.pack("ii", 1, 0)


class ReadTimeout(HttpToolsProtocol):
    """Watches until the last byte has gone: a connection that is closed waits for its client as well."""

    __slots__ = ("_answering", "_read_deadline", "_unread_bytes", "_unread_since")

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # The request that is being answered. The parent's `cycle` is the newest, which may wait behind it.
        self._answering: RequestResponseCycle | None = None
        self._read_deadline: asyncio.TimerHandle | None = None
        self._unread_bytes = 0
        # When its client was first behind.
        self._unread_since: float | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting_for_reader()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._is_late():
            self.abort()
        else:
            self._wait_for_reader()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._answering is not None and not self._answering.response_complete:
            self._stop_waiting_for_reader()

    def on_response_complete(self) -> None:
        if self._read_deadline is None and self.transport.get_write_buffer_size():
            self._wait_for_reader()
        super().on_response_complete()

    def abort(self) -> None:
        """Drop it with all that waits on it: a close would wait for a client that takes nothing."""
        if (own := self.transport.get_extra_info("socket")) is not None:
            # The kernel forgets what it holds, and the client is told by a reset.
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self.transport.abort()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering, self._unread_since = cycle, None
        # What is left of the answer before is not told from this one.
        self._stop_waiting_for_reader()
        super()._start_asgi_task(cycle, app)

    def _is_late(self) -> bool:
        if self._unread_since is None:
            self._unread_since = self.loop.time()
        is_stream = self._answering is None or self._answering.chunked_encoding
        return not is_stream and self.loop.time() - self._unread_since > ANSWER_SECONDS_MAX

    def _wait_for_reader(self) -> None:
        self._unread_bytes = self.transport.get_write_buffer_size()
        self._read_deadline = self.loop.call_later(READ_SECONDS, self._cut_unless_reading)

    def _cut_unless_reading(self) -> None:
        self._read_deadline = None
        unread_bytes = self.transport.get_write_buffer_size()
        if unread_bytes and (self._is_late() or self._unread_bytes - unread_bytes < READ_BYTES_MIN):
            self.abort()
        elif unread_bytes:
            self._wait_for_reader()

    def _stop_waiting_for_reader(self) -> None:
        if self._read_deadline is not None:
            self._read_deadline.cancel()
            self._read_deadline = None
