"""Readiness probes without a client library, for servers that may not be up yet."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

# Short enough not to delay a start noticeably, long enough to leave the processor to the engines.
POLL_SECONDS = 0.025
# After this long without an answer on an open connection, the probe is repeated.
ANSWER_SECONDS = 2.0
HTTP2_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
SETTINGS_FRAME = 4
FRAME_HEADER_BYTES = 9

Opening = Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]


async def until(answers: Callable[[], Awaitable[bool]]) -> None:
    """Repeat a probe until it is true; the caller bounds the wait."""
    while not await answers():  # noqa: ASYNC110 - another process is probed, which sets no event.
        await asyncio.sleep(POLL_SECONDS)


async def http_status(host: str, port: int, path: str) -> int:
    """The status that a GET is answered with; 0 without an answer."""
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    line = await _ask(asyncio.open_connection(host, port), request.encode(), _first_line)
    words = line.split()
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0


async def http_answer(host: str, port: int, path: str) -> bytes:
    """All that a GET is answered with, head and body; empty without an answer."""
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    return await _ask(asyncio.open_connection(host, port), request.encode(), _whole)


async def speaks_http2(host: str, port: int) -> bool:
    """True when the server greets with its settings, as gRPC servers do once they serve."""
    answer = await _ask(asyncio.open_connection(host, port), HTTP2_HELLO, _frame_header)
    return len(answer) == FRAME_HEADER_BYTES and answer[3] == SETTINGS_FRAME


async def pongs(socket: Path) -> bool:
    """True when Valkey has loaded its data and serves."""
    return await _ask(asyncio.open_unix_connection(str(socket)), b"PING\r\n", _first_line) == b"+PONG\r\n"


async def _ask(
    opening: Opening,
    question: bytes,
    read: Callable[[asyncio.StreamReader], Awaitable[bytes]],
) -> bytes:
    writer = None
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await opening
            writer.write(question)
            return await read(reader)
    except (OSError, asyncio.IncompleteReadError, TimeoutError):
        return b""
    finally:
        if writer is not None:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def _whole(reader: asyncio.StreamReader) -> bytes:
    return await reader.read()


async def _first_line(reader: asyncio.StreamReader) -> bytes:
    return await reader.readline()


async def _frame_header(reader: asyncio.StreamReader) -> bytes:
    return await reader.readexactly(FRAME_HEADER_BYTES)
