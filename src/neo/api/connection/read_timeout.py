"""The half of a connection that watches whether its client reads."""

import asyncio
import socket
import struct

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# A client that takes less than this of an answer in so many seconds does not read it, and what waits for it is memory.
READ_SECONDS = 30.0
READ_BYTES_MIN = 30 * 1024
NO_LINGER = struct.pack("ii", 1, 0)


class ReadTimeout(HttpToolsProtocol):
    __slots__ = ("_read_deadline", "_unread_bytes")

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._read_deadline: asyncio.TimerHandle | None = None
        self._unread_bytes = 0

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting_for_reader()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._wait_for_reader()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_waiting_for_reader()

    def abort(self) -> None:
        """Drop it with all that waits on it: a close would wait for a client that takes nothing."""
        if (own := self.transport.get_extra_info("socket")) is not None:
            # The kernel forgets what it holds, and the client is told by a reset.
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self.transport.abort()

    def _wait_for_reader(self) -> None:
        self._unread_bytes = self.transport.get_write_buffer_size()
        self._read_deadline = self.loop.call_later(READ_SECONDS, self._cut_unless_reading)

    def _cut_unless_reading(self) -> None:
        if self._unread_bytes - self.transport.get_write_buffer_size() < READ_BYTES_MIN:
            self.abort()
        else:
            self._wait_for_reader()

    def _stop_waiting_for_reader(self) -> None:
        if self._read_deadline is not None:
            self._read_deadline.cancel()
            self._read_deadline = None
