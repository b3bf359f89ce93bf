"""A tail as an HTTP response: what the AI SDK expects, and a bound on how slow a reader may be."""

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack, aclosing

import structlog
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from neo.api import abort
from neo.chat.tail import Tail
from neo.chat.tail_sending import BoundedSend
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
STREAM_OPEN = b": stream-open\n\n"
END: Message = {"type": "http.response.body", "body": b"", "more_body": False}


class TailResponse(Response):
    def __init__(
        self,
        tail: Tail,
        *,
        headers: Mapping[str, str] | None = None,
        send_seconds: float = SEND_SECONDS,
        place: ExitStack | None = None,
    ) -> None:
        self.status_code = 200
        self.background = None
        self.raw_headers = [*HEADERS, *_encoded(headers or {})]
        self._tail = tail
        self._send_seconds = send_seconds
        # Given back when the response ends, however it ends.
        self._place = place or ExitStack()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        leaving = asyncio.get_running_loop().create_task(self._until_gone(receive), name="tail-client")
        tail_metrics.opened()
        ending = "broken"
        try:
            with self._place, BoundedSend(send, self._send_seconds) as bounded:
                await self._send_all(bounded)
            ending = self._tail.ending
        except TimeoutError:
            # Returning before the body's end would let the connection wait; the client resumes where it was.
            log.info("tail_cut", reason="the client does not read")
            abort(scope)
            ending = "slow"
        except OSError:
            # Some servers tell of a client that has gone in this way.
            log.debug("tail_client_gone")
            ending = "gone"
        finally:
            tail_metrics.closed(ending)
            leaving.cancel()

    async def _send_all(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": STREAM_OPEN, "more_body": True})
        async with aclosing(self._tail.pieces()) as pieces:
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send(END)

    async def _until_gone(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._tail.stop()


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
