"""Where a connection's secret may be sent. It is stored under a purpose that names this, and opened under no other."""

import hashlib
from collections.abc import Mapping
from typing import Any

import httpx2

from neo.connections.rows.models import AuthType

PORTS = {"https": 443, "http": 80}


def origin_of(url: str) -> str:
    """Scheme, host and port, in the one form in which they are compared."""
    parsed = httpx2.URL(url)
    return f"{parsed.scheme}://{parsed.host.lower()}:{parsed.port or PORTS.get(parsed.scheme, 0)}"


def purpose_of(url: str, auth: Mapping[str, Any]) -> str:
    """By the way of signing in, the server's origin, and that of the token endpoint, which is given the secret too."""
    places = [origin_of(url)]
    if auth["type"] == AuthType.OAUTH_CLIENT_CREDENTIALS:
        places.append(origin_of(auth["token_url"]))
    named = hashlib.sha256("\n".join(places).encode()).hexdigest()[:40]
    return f"connection.{auth['type'].lower()}.{named}"
