"""The authorities whose certificates are believed."""

import ssl
from functools import cache

import httpx2


@cache
def trusted_authorities() -> ssl.SSLContext:
    """Read once for all connections of a process: each reading stops its event loop for a twentieth of a second."""
    return httpx2.create_ssl_context()
