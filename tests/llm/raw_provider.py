"""A provider that says exactly the bytes it is given, over real HTTP, and keeps what it was asked."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


@dataclass
class RawProvider:
    """Answers every call with the same writes, each of which becomes a chunk of its own."""

    writes: Sequence[bytes]
    head: bytes = HEAD
    ends: bool = True
    hangs_up: bool = False
    pause_seconds: float = 0
    port: int = 0
    connections: int = 0
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def asked(self) -> dict[str, Any]:
        """The newest call's body."""
        found: dict[str, Any] = orjson.loads(self.bodies[-1])
        return found

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                self.heads.append(head)
                length = int(head.lower().partition("content-length: ")[2].partition("\r")[0])
                self.bodies.append(await reader.readexactly(length))
                writer.write(self.head)
                for write in self.writes:
                    writer.write(b"%x\r\n%b\r\n" % (len(write), write))
                    await writer.drain()
                    await asyncio.sleep(self.pause_seconds)
                if self.hangs_up:
                    return
                if self.ends:
                    writer.write(b"0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def raw_provider(
    *writes: bytes, head: bytes = HEAD, ends: bool = True, hangs_up: bool = False, pause_seconds: float = 0
) -> AsyncIterator[RawProvider]:
    provider = RawProvider(writes, head=head, ends=ends, hangs_up=hangs_up, pause_seconds=pause_seconds)
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    provider.port = server.sockets[0].getsockname()[1]
    try:
        yield provider
    finally:
        server.close()


def refusal_head(status: int, body: bytes, *headers: str) -> bytes:
    """A whole answer that refuses a call, to be used as the head of one without writes."""
    lines = [f"HTTP/1.1 {status} No", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def event(kind: str, **data: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps({"type": kind, **data}))


def said(text: str, *, item_id: str = "msg_1", content_index: int = 0) -> bytes:
    return event(
        "response.output_text.delta", item_id=item_id, output_index=0, content_index=content_index, delta=text
    )


def completed(**response: Any) -> bytes:
    return event(
        "response.completed", response={"id": "resp_1", "model": "m", "status": "completed", **response}
    )
