"""Fetches the signing keys that an identity provider publishes, with bounds on time and size."""

import asyncio
from dataclasses import dataclass
from typing import Any, TypeGuard
from urllib.parse import urlsplit

import httpx2
import orjson

from neo.access.entra.key_ring import KeyRing, read_keys
from neo.egress import trusted_authorities
from neo.kit import is_loopback, is_secure_url

ANSWER_SECONDS_MAX = 5.0
# Entra's key set has some 30 KB.
ANSWER_BYTES_MAX = 1024 * 1024
OK = 200


class KeysNotFetched(Exception):
    """The provider did not answer, or not with keys; the message is for the log."""


@dataclass(frozen=True)
class KeySource:
    """The provider's metadata; `jwks_url` replaces the address of the keys that is named there. Only for development
    is a provider on this machine's own loopback trusted over plain http.
    """

    metadata_url: str
    jwks_url: str | None = None
    trusts_loopback: bool = True

    async def fetch(self) -> KeyRing:
        """The issuer and its current keys. Raises `KeysNotFetched`."""
        is_here = is_loopback(urlsplit(self.metadata_url).hostname or "")
        # A proxy from the environment cannot reach this machine's own loopback.
        async with httpx2.AsyncClient(
            trust_env=not is_here,
            verify=trusted_authorities(),
            follow_redirects=False,
            timeout=ANSWER_SECONDS_MAX,
        ) as http:
            metadata = await _fetched(http, self.metadata_url)
            issuer, jwks_url = metadata.get("issuer"), self.jwks_url or metadata.get("jwks_uri")
            if not (self._is_safe(issuer) and self._is_safe(jwks_url)):
                raise KeysNotFetched("metadata without a safe `issuer` and `jwks_uri`")
            keys = read_keys(await _fetched(http, jwks_url))
        if not keys:
            raise KeysNotFetched("no usable key")
        return KeyRing(issuer, keys)

    def _is_safe(self, url: Any) -> TypeGuard[str]:
        if not isinstance(url, str):
            return False
        return is_secure_url(url) and (self.trusts_loopback or url.startswith("https://"))


async def _fetched(http: httpx2.AsyncClient, url: str) -> dict[str, Any]:
    try:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            found = orjson.loads(await _read(http, url))
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        raise KeysNotFetched(f"{url}: {type(error).__name__}") from error
    if not isinstance(found, dict):
        raise KeysNotFetched(f"{url}: no JSON object")
    return found


async def _read(http: httpx2.AsyncClient, url: str) -> bytes:
    body = bytearray()
    # Uncompressed, so that the bound on what arrives also bounds the memory.
    async with http.stream("GET", url, headers={"accept-encoding": "identity"}) as answer:
        if answer.status_code != OK:
            raise KeysNotFetched(f"{url}: status {answer.status_code}")
        async for piece in answer.aiter_raw():
            body += piece
            if len(body) > ANSWER_BYTES_MAX:
                raise KeysNotFetched(f"{url}: more than {ANSWER_BYTES_MAX} bytes")
    return bytes(body)
