"""What a client does to attach an image."""

from dataclasses import dataclass
from typing import Any

import httpx2

from support.client import SESSIONS, Client


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
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:
        return await http.put(upload.url, headers=sent, content=data)


async def uploaded(
    client: Client, session_id: str, data: bytes, mime: str = "image/png", **body: Any
) -> Upload:
    upload = await granted(client, session_id, mime, **body)
    answer = await put(upload, data)
    assert answer.status_code == 201, answer.text
    return upload


async def fetched(url: str) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:
        return await http.get(url)


def files_of(messages: dict[str, Any]) -> list[dict[str, Any]]:
    return [part for message in messages["messages"] for part in message["parts"] if part["type"] == "file"]
