"""A tail as an HTTP response: what the AI SDK expects, and a bound on how slow a reader may be."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from neo.chat.tail import Tail

log = structlog.get_logger()

SEND_SECONDS = 10.0
STREAM_OPEN = b": stream-open\n\n"
HEADERS = {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "connection": "keep-alive",
    "x-vercel-ai-ui-message-stream": "v1",
    "x-accel-buffering": "no",
    "x-content-type-options": "nosniff",
}


class TailResponse(Response):
    def __init__(
        self, tail: Tail, *, headers: Mapping[str, str] | None = None, send_seconds: float = SEND_SECONDS
    ) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers({**HEADERS, **(headers or {})})
        self._tail = tail
        self._send_seconds = send_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  (ASGI)
        leaving = asyncio.get_running_loop().create_task(self._until_gone(receive), name="tail-client")
        try:
            await self._send_all(send)
        except TimeoutError:
            # Returning without the end of the body cuts the connection; the client resumes where it was.
            log.info("tail_cut", reason="the client does not read")
        except OSError:
            # Some servers tell of a client that has gone in this way.
            log.debug("tail_client_gone")
        finally:
            leaving.cancel()

    async def _send_all(self, send: Send) -> None:
        await self._send(send, {"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await self._send(send, {"type": "http.response.body", "body": STREAM_OPEN, "more_body": True})
        async with aclosing(self._tail.pieces()) as pieces:
            async for piece in pieces:
                await self._send(send, {"type": "http.response.body", "body": piece, "more_body": True})
        await self._send(send, {"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, send: Send, message: dict[str, object]) -> None:
        async with asyncio.timeout(self._send_seconds):
            await send(message)

    async def _until_gone(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._tail.stop()
