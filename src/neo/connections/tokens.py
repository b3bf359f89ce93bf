"""Access tokens of client credentials (OAuth 2.0), one for each credential in the process."""

import asyncio
import hashlib
import time
from base64 import b64encode
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import orjson

from neo.connections.target import ClientCredentials
from neo.egress import Bounds, Egress
from neo.errors import Edge, Failure, Kind
from neo.kit import hide_lately

# So long before its end a token is fetched anew: a call may take as long.
EARLY_SECONDS = 60.0
# Of a token whose end is not told.
LASTING_SECONDS = 300.0
LASTING_SECONDS_MAX = 24 * 3600.0
FETCH = Bounds(seconds=10.0, answer_bytes=64 * 1024)
CREDENTIALS_MAX = 10_000


class TokenRefused(Failure):
    """The token endpoint gave no token."""

    kind = Kind.UNAVAILABLE
    code = "token_refused"
    remedy = "Check the connection's client id, client secret, scope and token address."
    edges = (Edge.TURN,)


@dataclass(slots=True)
class _Kept:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    token: str = ""
    ends_at: float = 0.0


class Tokens:
    """Whoever needs the token of a credential waits for the one who fetches it."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    async def get(
        self, tenant: str, connection: str, wanted: ClientCredentials, refused: str | None = None
    ) -> str:
        """A token that lasts for another call, and is not the one that was refused; raises `TokenRefused`, and what
        `Egress` raises.
        """
        kept = self._of(tenant, connection, wanted)
        async with kept.lock:
            if kept.token in ("", refused) or kept.ends_at - EARLY_SECONDS <= time.monotonic():
                kept.token, lasting = await self._fetch(tenant, wanted)
                # Of a token that lasts less than that, at least its first half is used.
                kept.ends_at = time.monotonic() + max(lasting, EARLY_SECONDS + lasting / 2)
            return kept.token

    def _of(self, tenant: str, connection: str, wanted: ClientCredentials) -> _Kept:
        # No secret is a key: a changed one is another credential all the same.
        parts = (tenant, connection, wanted.token_url, wanted.client_id, wanted.scope, wanted.resource)
        said = "\0".join((*parts, wanted.client_secret.reveal()))
        key = hashlib.sha256(said.encode()).hexdigest()
        kept = self._kept.setdefault(key, _Kept())
        self._kept.move_to_end(key)
        if len(self._kept) > CREDENTIALS_MAX:
            self._kept.popitem(last=False)
        return kept

    async def _fetch(self, tenant: str, wanted: ClientCredentials) -> tuple[str, float]:
        form = {"grant_type": "client_credentials", "scope": wanted.scope, "resource": wanted.resource}
        named = f"{quote(wanted.client_id, safe='')}:{quote(wanted.client_secret.reveal(), safe='')}"
        basic = b64encode(named.encode()).decode()
        async with self._egress.client_through(tenant, lambda guarded: guarded, bounds=FETCH) as client:
            answer = await client.post(
                wanted.token_url,
                data={name: value for name, value in form.items() if value},
                headers={"authorization": f"Basic {basic}", "accept": "application/json"},
            )
        if not answer.is_success:
            raise TokenRefused(f"The token address answered {answer.status_code}.")
        token, lasting = _read(answer.content)
        hide_lately(token)
        return token, lasting


def _read(body: bytes) -> tuple[str, float]:
    """The token, and how many seconds it lasts."""
    try:
        told: Any = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise TokenRefused("The token address answered no JSON.") from error
    token = told.get("access_token") if isinstance(told, dict) else None
    if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
        raise TokenRefused("The token address answered no token.")
    lasting = told.get("expires_in")
    is_number = isinstance(lasting, int | float) and not isinstance(lasting, bool)
    return token, min(max(float(lasting), 0.0), LASTING_SECONDS_MAX) if is_number else LASTING_SECONDS
