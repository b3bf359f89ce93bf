"""Asks a server for JSON, and takes no answer for an answer: it does not know this form, or there is none."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx2
import orjson

from neo.egress import trusted_authorities
from neo.kit import is_loopback

# A server on this machine or in its network answers at once.
_SECONDS = 3.0
# Of a whole answer: one that comes byte by byte never ends otherwise.
LOOK_SECONDS = 10.0
_NO_ENTRY = frozenset({401, 403})
# OpenRouter's list of all models is a megabyte.
_BYTES_MAX = 16 * 1024 * 1024


class Fetching:
    def __init__(self, base_url: str, api_key: str | None = None, *, seconds: float = LOOK_SECONDS) -> None:
        # Anthropic has a header of its own for it, and a version that it asks for.
        headers = {"authorization": f"Bearer {api_key}", "x-api-key": api_key} if api_key else {}
        self._seconds = seconds
        self.is_refused = False
        """Whether the server has asked for a key, or for another one."""
        self._client = httpx2.AsyncClient(
            timeout=_SECONDS,
            headers={**headers, "anthropic-version": "2023-06-01"},
            # A proxy from the environment cannot reach this machine's own loopback.
            trust_env=not is_loopback(urlsplit(base_url).hostname or ""),
            verify=trusted_authorities(),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def get(self, url: str) -> Any:
        return await self._json("GET", url, None)

    async def post(self, url: str, body: Mapping[str, Any]) -> Any:
        return await self._json("POST", url, orjson.dumps(body))

    async def _json(self, method: str, url: str, content: bytes | None) -> Any:
        """None: no answer, or one that is no JSON."""
        request = self._client.build_request(
            method, url, content=content, headers={"content-type": "application/json"}
        )
        try:
            async with asyncio.timeout(self._seconds):
                return await self._answer(request)
        except (httpx2.HTTPError, httpx2.InvalidURL, orjson.JSONDecodeError, TimeoutError):
            return None

    async def _answer(self, request: httpx2.Request) -> Any:
        response = await self._client.send(request, stream=True)
        async with aclosing(response):
            self.is_refused |= response.status_code in _NO_ENTRY
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _BYTES_MAX:
                    return None
        return orjson.loads(body) if response.is_success else None
