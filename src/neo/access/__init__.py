"""Who is calling, and how often.

An API key is looked up on every request, so a revoked one stops at once; only its HMAC is stored, and a
mistyped one costs no query. What a caller may do hangs on the `Principal` alone: nothing below asks again.
"""

from neo.access.authenticate import Authenticator
from neo.access.errors import Unauthenticated
from neo.access.keys import KeyFormat, Pepper, new_key
from neo.access.limits import Allowance, RateLimited, RequestLimiter
from neo.access.models import ApiKey
from neo.access.principal import Channel, Principal
from neo.access.store import ApiKeyNotFound, ApiKeyStore

__all__ = [
    "Allowance",
    "ApiKey",
    "ApiKeyNotFound",
    "ApiKeyStore",
    "Authenticator",
    "Channel",
    "KeyFormat",
    "Pepper",
    "Principal",
    "RateLimited",
    "RequestLimiter",
    "Unauthenticated",
    "new_key",
]
