"""What a client does to attach an image."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2

from neo.attachments.limits import IMAGE_BYTES_MAX
from support.client import SESSIONS, Client

CONTINUE = 100


@dataclass(frozen=True)
class Upload:
    """A grant, and how it is cited."""

    url: str
    blob_path: str
    mime: str

    def cited(self, **more: Any) -> dict[str, Any]:
        return {"blob_path": self.blob_path, "mime": self.mime, **more}


async def ask_grant(client: Client, session_id: str, **body: Any) -> httpx2.Response:
    wanted = {"content_type": "image/png", **body}
    return await client.http.post(f"{SESSIONS}/{session_id}/attachments/upload-url", json=wanted)


async def granted(client: Client, session_id: str, mime: str = "image/png", **body: Any) -> Upload:
    answer = await ask_grant(client, session_id, content_type=mime, **body)
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert (data["mime"], data["max_image_bytes"]) == (mime, 10_485_760)
    return Upload(data["upload_url"], data["blob_path"], mime)


async def put(upload: Upload, data: bytes, **headers: str) -> httpx2.Response:
    """A plain PUT, as any HTTP client sends it."""
    sent = {"x-ms-blob-type": "BlockBlob", "x-ms-blob-content-type": upload.mime, **headers}
    async with httpx2.AsyncClient(trust_env=False, verify=False, timeout=30) as http:
        return await http.put(upload.url, headers=sent, content=data)


Held = tuple[int, asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def held(upload: Upload, data: bytes = b"") -> AsyncIterator[Held]:
    """An upload that says it has 10 MiB, sends these bytes and waits: the status that it is told at once, or 100."""
    parts = urlsplit(upload.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    head = (
        f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: neo\r\nContent-Type: {upload.mime}\r\n"
        f"Content-Length: {IMAGE_BYTES_MAX}\r\nExpect: 100-continue\r\n\r\n"
    )
    try:
        writer.write(head.encode())
        status = int((await asyncio.wait_for(reader.readuntil(b"\r\n"), 10)).split()[1])
        if status == CONTINUE:
            await reader.readuntil(b"\r\n")
            writer.write(data)
        yield status, reader, writer
    finally:
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def uploaded(
    client: Client, session_id: str, data: bytes, mime: str = "image/png", **body: Any
) -> Upload:
    upload = await granted(client, session_id, mime, **body)
    answer = await put(upload, data)
    assert answer.status_code == 201, answer.text
    return upload


async def fetched(url: str) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False, verify=False, timeout=30) as http:
        return await http.get(url)


def files_of(messages: dict[str, Any]) -> list[dict[str, Any]]:
    return [part for message in messages["messages"] for part in message["parts"] if part["type"] == "file"]
