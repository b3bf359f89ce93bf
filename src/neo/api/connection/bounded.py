import asyncio
import re
from collections import deque
from typing import Any, ClassVar, cast

import httptools
from starlette.types import ASGIApp, Scope
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from neo.api.connection.read_timeout import ReadTimeout
from neo.api.connection.refusal import no_room, refusal
from neo.api.connection.unchunked import unchunked

CONNECTION = "neo.connection"
# A head that trickles in occupies a connection of an unknown caller.
HEAD_SECONDS = 10.0
# More than `HEADER_BYTES_MAX`, so that its error is the one that callers see. The parser itself has no bound, and
# copies what it has of a field with each packet: in a head, behind a chunked body, or beside a chunk's size.
BESIDE_BODY_BYTES_MAX = 64 * 1024
# A chunk's size and its line ends are no burden, however small the chunk is; what else it says counts.
CHUNK_FRAME_BYTES = 16
LINE_END = re.compile(rb" HTTP/[0-9.]+\r\n")
# The authority in a target that is a whole URL.
AUTHORITY = re.compile(rb"https?://([^/?]+)[/?]", re.IGNORECASE)
# The parser also reads 0.9 and 2.0, which nobody here speaks.
VERSIONS = ("1.0", "1.1")
# Takes and forgets: fields behind a chunked body are nobody's headers.
BEHIND_THE_BODY = deque[tuple[bytes, bytes]](maxlen=0)


def abort_connection(scope: Scope) -> None:
    """Abort the request's connection, where the server is ours; another server closes it by its own rules."""
    connection: BoundedConnection | None = scope.get(CONNECTION)
    if connection is not None:
        connection.abort()


def at_most(connections_max: int) -> type["BoundedConnection"]:
    """The connections of a process that takes so many of them."""
    return type("Connection", (BoundedConnection,), {"__slots__": (), "connections_max": connections_max})


class BoundedConnection(ReadTimeout):
    # CPython shares the keys of at most thirty attributes between instances, and the parent has that many.
    __slots__ = ("_beside_body_bytes", "_deadline", "_is_deaf", "_line")

    # How many of them one process takes; 0 is no bound.
    connections_max: ClassVar[int] = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # What is still sent after something that is not HTTP is not looked at.
        self._is_deaf = False
        self._deadline: asyncio.TimerHandle | None = None
        # Of the head, or what is not body since the head.
        self._beside_body_bytes = 0
        # What has come of a request line, and perhaps of what stands before it; None while there is none.
        self._line: bytes | None = None
        self._wait_for_head()
        if 0 < self.connections_max < len(self.server_state.connections):
            self._is_deaf = True
            transport.write(no_room())
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        if (owed := self._owed) is not None:
            owed.disconnected = True
            owed.message_event.set()
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client will send no more: whether the connection stays open for its answers.

        Who opened a stream and then closes their half has gone, as far as a server can tell.
        """
        owed = self._owed
        if owed is None or owed.more_body or (owed.response_started and not owed.expected_content_length):
            return False
        self.cycle.keep_alive = False
        return True

    def data_received(self, data: bytes) -> None:
        if self._is_deaf:
            return
        self._unset_keepalive_if_required()
        try:
            self._parse(data)
        except (httptools.HttpParserError, ValueError):
            self._refuse("Invalid HTTP request received.")
            return
        if self._beside_body_bytes > BESIDE_BODY_BYTES_MAX:
            self._refuse("The request's head, or what stands beside its body, is too large.")
        elif self.cycle is not None and self.cycle.response_complete:
            # The rest of a refused body, or empty lines: the deadline of a head bounds them as well.
            self._wait_for_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._line = b""
        self._wait_for_head()

    def on_headers_complete(self) -> None:
        if self.parser.get_http_version() not in VERSIONS or self.parser.get_method() == b"CONNECT":
            raise ValueError("neither a version nor a method that is served")
        if b"#" in self.url:
            # uvicorn would drop what follows, and others take it for a part of the path.
            raise ValueError("a fragment")
        if self._line is not None:
            raise ValueError("a line of another protocol")
        self._check_authority()
        if self.parser.should_upgrade():
            # `_parse` reads it again, without the offer.
            return
        cast(dict[str, object], self.scope)[CONNECTION] = self
        super().on_headers_complete()
        self.headers = BEHIND_THE_BODY  # type: ignore[assignment]
        self._beside_body_bytes = 0
        self._stop_waiting()

    def on_chunk_header(self) -> None:
        self._beside_body_bytes -= CHUNK_FRAME_BYTES

    def on_body(self, body: bytes) -> None:
        self._beside_body_bytes -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        if not self.parser.should_upgrade():
            self._beside_body_bytes = 0
            super().on_message_complete()
            # Also where the answer was there before the body.
            self.cycle.more_body = False

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.more_body:
            # Who is closed on while they send may never read why they were refused: for a while, it is thrown away.
            self._wait_for_head()

    def _parse(self, data: bytes) -> None:
        """Feed the parser, a request line apart from what follows it: the parser passes over spaces in a line, and
        tells nobody. So what it made of the line is held to the bytes that were sent.
        """
        view, start = memoryview(data), 0
        while start < len(data):
            end = self._end_of_line(data, start)
            before = self._line or b""
            self._beside_body_bytes += end - start
            self._feed(view[start:end])
            self._beside_body_bytes = max(0, self._beside_body_bytes)
            if self._line is not None:
                self._line = before + data[start:end]
                self._check_line(self._line)
            start = end

    def _end_of_line(self, data: bytes, start: int) -> int:
        """Where a request line ends that is under way, or the next one that might begin; else all that there is."""
        if self._line is not None:
            return data.find(b"\n", start) + 1 or len(data)
        found = LINE_END.search(data, start)
        return found.end() if found else len(data)

    def _check_line(self, sent: bytes) -> None:
        if sent.endswith(b"\n"):
            if not sent.endswith(self._request_line()):
                raise ValueError("more than a space between the words of a request line")
            self._line = None

    def _check_authority(self) -> None:
        """A target that is a whole URL says for whom it is, and others on the way go by that, whatever the `Host`."""
        if self.url.startswith(b"/") or self.url == b"*":
            return
        named = AUTHORITY.match(self.url)
        hosts = [value.lower() for name, value in self.headers if name == b"host"]
        if named is None or (hosts and hosts != [named[1].lower()]):
            raise ValueError("another authority than the Host, or none")

    def _feed(self, data: memoryview) -> None:
        """At an offered upgrade the parser stops, and would take the body for the next request. We serve no other
        protocol, and nobody need take an offer: the head is read again without it, and then what follows.
        """
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            line, fields = self._request_line(), self._fields_without_offer()
            self.parser = httptools.HttpRequestParser(self)
            # As the parent has it: what follows a request that closes is read, and not answered.
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            self.parser.feed_data(line)
            self._line = None
            self.parser.feed_data(fields)
            self._feed(data[offer.args[0] :])

    def _request_line(self) -> bytes:
        version = self.parser.get_http_version().encode()
        return b"%s %s HTTP/%s\r\n" % (self.parser.get_method(), self.url, version)

    def _fields_without_offer(self) -> bytes:
        lines = [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        is_old = cycle.scope["http_version"] == "1.0"
        super()._start_asgi_task(cycle, cast(Any, unchunked(cast(ASGIApp, app), cycle)) if is_old else app)

    @property
    def _owed(self) -> RequestResponseCycle | None:
        """The request whose answer is under way."""
        one = self._answering
        return None if one is None or one.response_complete else one

    def _refuse(self, message: str) -> None:
        """Refuse what cannot be read, unless the request before it is still owed its answer."""
        self.logger.warning(message)
        owed = self._owed
        self._is_deaf = True
        if owed is None and self.cycle is not None and self.cycle.more_body:
            # It is the rest of a body whose request was answered already.
            self.transport.close()
            return
        if owed is None or (owed.more_body and not owed.response_started):
            self.send_400_response(message)
            return
        self._stop_waiting()
        self.cycle.keep_alive = False

    def send_400_response(self, msg: str) -> None:
        self.transport.write(refusal(msg))
        self.transport.close()

    def _wait_for_head(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
