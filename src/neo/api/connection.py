"""Bounds on a connection until its request is parsed: the time and the size of the request's head."""

import asyncio
import socket
import struct
from typing import cast
from uuid import uuid4

import orjson
from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from neo.errors import Failure, Kind

CONNECTION = "neo.connection"
# A head that trickles in occupies a connection of an unknown caller.
HEAD_SECONDS = 10.0
# More than `HEADER_BYTES_MAX`, so that its error is the one that callers see. The parser itself has no bound.
HEAD_BYTES_MAX = 64 * 1024
NO_LINGER = struct.pack("ii", 1, 0)


class MalformedRequest(Failure):
    """It is not HTTP that every server reads alike, or its head is larger than 64 KiB."""

    kind = Kind.MALFORMED
    code = "malformed_request"
    remedy = "Send it with an HTTP library."


def abort_connection(scope: Scope) -> None:
    """Abort the request's connection, where the server is ours; another server closes it by its own rules."""
    connection: BoundedConnection | None = scope.get(CONNECTION)
    if connection is not None:
        connection.abort()


class BoundedConnection(HttpToolsProtocol):
    """uvicorn's connection, with bounds on a request's head, and our error envelope in place of plain text."""

    # CPython shares the keys of at most thirty attributes between instances, and the parent has that many.
    __slots__ = ("_deadline", "_head_bytes")

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._deadline: asyncio.TimerHandle | None = None
        # None while no head is being read.
        self._head_bytes: int | None = 0
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def abort(self) -> None:
        """Drop it with all that waits on it: a close would wait for a client that takes nothing."""
        if (own := self.transport.get_extra_info("socket")) is not None:
            # The kernel forgets what it holds, and the client is told by a reset.
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX and not self.transport.is_closing():
                self.send_400_response("The request's head is too large.")
        elif self.cycle.response_complete:
            # The rest of a refused body, or empty lines: the deadline of a head bounds them as well.
            self._wait_for_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = 0
        self._wait_for_head()

    def on_headers_complete(self) -> None:
        self._head_bytes = None
        self._stop_waiting()
        cast(dict[str, object], self.scope)[CONNECTION] = self
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        error = {"code": MalformedRequest.code, "message": msg}
        request_id = str(uuid4())
        body = orjson.dumps({"error": error, "meta": {"request_id": request_id}})
        head = (
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncache-control: no-store\r\n"
            f"x-request-id: {request_id}\r\nx-content-type-options: nosniff\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _wait_for_head(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
