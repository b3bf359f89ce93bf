"""Where a provider's Responses API is, and how to be let in."""

from dataclasses import dataclass, field
from urllib.parse import quote

import httpx2

from neo.llm.providers import Address
from neo.llm.spec import Provider


@dataclass(frozen=True, slots=True)
class ResponsesPlace:
    # Parsed once, not with each call.
    url: httpx2.URL
    headers: dict[bytes, bytes] = field(repr=False)


def responses_place(provider: Provider, where: Address, api_version: str | None) -> ResponsesPlace:
    base = where.base_url.rstrip("/")
    if provider is Provider.AZURE and api_version:
        url = f"{base}/openai/responses?api-version={quote(api_version)}"
        return ResponsesPlace(httpx2.URL(url), _headers(b"api-key", where.api_key))
    return ResponsesPlace(
        httpx2.URL(f"{base}/responses"), _headers(b"authorization", f"Bearer {where.api_key}")
    )


def _headers(name: bytes, key: str) -> dict[bytes, bytes]:
    return {
        name: key.encode(),
        b"accept": b"application/json",
        b"content-type": b"application/json",
        b"user-agent": b"neo",
    }
