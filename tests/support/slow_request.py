"""A request that is let in by its head, and whose body takes as long as a test wishes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from support.server import Server

SECONDS_MAX = 5


class SlowRequest:
    """A request whose last byte is still to be sent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def finish(self) -> tuple[int, str | None]:
        """The status and the error's code."""
        self._writer.write(b"}")
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        body = await self._reader.readexactly(int(length.split(b":")[1]))
        return int(head.split(b" ")[1]), json.loads(body).get("error", {}).get("code")


@asynccontextmanager
async def slow_request(
    server: Server, token: str, method: str, path: str, body: dict[str, Any]
) -> AsyncIterator[SlowRequest]:
    """The server has let the caller in and waits for the last byte: it asks for the body only then."""
    content = json.dumps(body).encode()
    head = (
        f"{method.upper()} {path} HTTP/1.1\r\nHost: neo\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\nExpect: 100-continue\r\n\r\n"
    )
    async with asyncio.timeout(SECONDS_MAX):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        try:
            writer.write(head.encode())
            assert b" 100 " in await reader.readuntil(b"\r\n\r\n")
            writer.write(content[:-1])
            yield SlowRequest(reader, writer)
        finally:
            writer.close()
