"""A tail as an HTTP response: what the AI SDK expects, and a bound on how slow a reader may be."""

from collections.abc import Mapping
from contextlib import aclosing

import structlog
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from neo.api import connection_of, send_later
from neo.tails.open_tails import Place
from neo.tails.sending import BoundedSend
from neo.tails.tail import Tail
from neo.telemetry import tail_metrics

log = structlog.get_logger()

SEND_SECONDS = 10.0
# Encoded once: thousands of responses share them for as long as they are open.
HEADERS = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"connection", b"keep-alive"),
    (b"x-vercel-ai-ui-message-stream", b"v1"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
)
STREAM_OPEN: Message = {"type": "http.response.body", "body": b": stream-open\n\n", "more_body": True}
END: Message = {"type": "http.response.body", "body": b"", "more_body": False}


class TailResponse(Response):
    """Its head is sent like any response's; its body is sent when the frames that made it are gone."""

    def __init__(
        self,
        tail: Tail,
        *,
        headers: Mapping[str, str] | None = None,
        send_seconds: float = SEND_SECONDS,
        place: Place | None = None,
    ) -> None:
        self.status_code = 200
        self.background = None
        self.raw_headers = [*HEADERS, *_encoded(headers or {})]
        self._tail = tail
        self._send_seconds = send_seconds
        # Given back when the response ends, however it ends.
        self._place = place or Place()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        # Middlewares add to the head, so it is sent through them.
        self._send_head = send
        self._connection = connection_of(scope)
        send_later(scope, self._send_all)

    async def _send_all(self, send: Send) -> None:
        self._connection.on_lost(self._tail.stop)
        tail_metrics.opened()
        ending = "broken"
        try:
            with self._place:
                await self._begin()
                with BoundedSend(send, self._send_seconds) as bounded:
                    await self._send_body(bounded)
            ending = self._tail.ending
        except TimeoutError:
            # Returning before the body's end would let the connection wait; the client resumes where it was.
            log.info("tail_cut", reason="the client does not read")
            self._connection.abort()
            ending = "slow"
        except OSError:
            # Some servers tell of a client that has gone in this way.
            log.debug("tail_client_gone")
            ending = "gone"
        finally:
            tail_metrics.closed(ending)

    async def _begin(self) -> None:
        with BoundedSend(self._send_head, self._send_seconds) as bounded:
            # What it goes through must not live as long as the tail.
            del self._send_head
            await bounded({"type": "http.response.start", "status": 200, "headers": self.raw_headers})

    async def _send_body(self, send: Send) -> None:
        await send(STREAM_OPEN)
        async with aclosing(self._tail.pieces()) as pieces:
            async for piece in pieces:
                # The end goes with the last piece: one write, and one packet.
                await send(
                    {"type": "http.response.body", "body": piece, "more_body": not self._tail.is_ended}
                )
        if not self._tail.is_ended:
            await send(END)


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
