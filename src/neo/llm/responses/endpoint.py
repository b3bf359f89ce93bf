"""The URL and the headers of a provider's Responses API."""

from dataclasses import dataclass, field
from urllib.parse import quote

import httpx2

from neo.llm.providers import Address, Provider


@dataclass(frozen=True, slots=True)
class Endpoint:
    # Parsed once, not with each call.
    url: httpx2.URL
    headers: dict[bytes, bytes] = field(repr=False)


def responses_endpoint(provider: Provider, where: Address, azure_api_version: str | None) -> Endpoint:
    base = where.base_url.rstrip("/")
    if provider is Provider.AZURE and azure_api_version:
        url = f"{base}/openai/responses?api-version={quote(azure_api_version)}"
        return Endpoint(httpx2.URL(url), _headers(b"api-key", where.api_key))
    return Endpoint(httpx2.URL(f"{base}/responses"), _headers(b"authorization", f"Bearer {where.api_key}"))


def _headers(name: bytes, key: str) -> dict[bytes, bytes]:
    return {
        name: key.encode(),
        b"accept": b"application/json",
        b"content-type": b"application/json",
        b"user-agent": b"neo",
    }
