import asyncio
import contextlib

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from neo.chat.tail import Tail

log = structlog.get_logger()

# As the AI SDK's own server sends them, with the cache told to keep nothing.
HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "connection": "keep-alive",
    "x-vercel-ai-ui-message-stream": "v1",
    "x-accel-buffering": "no",
}
OPENED = b": stream-open\n\n"


class TailResponse(Response):
    """Streams a tail until it ends, the reader leaves, or takes nothing for too long; it may come back any time."""

    def __init__(self, tail: Tail, *, send_seconds: float) -> None:
        super().__init__(status_code=200, headers=HEADERS)
        del self.headers["content-length"]
        self._tail = tail
        self._send_seconds = send_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        sending = asyncio.create_task(self._send_all(send))
        leaving = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        except TimeoutError:
            log.info("tail_cut", reason="slow", send_seconds=self._send_seconds)
        finally:
            sending.cancel()
            leaving.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)

    async def _send_all(self, send: Send) -> None:
        await self._send(send, OPENED)
        async with contextlib.aclosing(self._tail.blocks()) as blocks:
            async for block in blocks:
                await self._send(send, block)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, send: Send, block: bytes) -> None:
        message = {"type": "http.response.body", "body": block, "more_body": True}
        await asyncio.wait_for(send(message), self._send_seconds)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
