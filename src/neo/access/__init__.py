"""Who is calling, how often, and what they may.

A credential is looked up on every request and never cached, so a revoked one stops at once. Of an API key only its
HMAC is stored, and a mistyped one costs no query. What a caller may do
depends on the `Principal` alone and is checked by the route's dependency (`gate.py`), and read again by the
transaction that changes what others may do (`held_right.py`). One function lets the
platform act for another tenant.
"""

from neo.access.authenticate import Authenticator
from neo.access.credentials import Lookups
from neo.access.entra.claims import EntraRules
from neo.access.entra.key_source import KeySource
from neo.access.entra.person import EntraPerson
from neo.access.entra.signing_keys import SigningKeys
from neo.access.entra.verifier import EntraVerifier
from neo.access.errors import ApiKeyNotFound, CallerNotAllowed, Unauthenticated
from neo.access.gate import Gate, acting_for, caller_with
from neo.access.held_right import Operator, changing, hold_right
from neo.access.keys.desk import KeyDesk, NewKey, revoke_key
from neo.access.keys.format import KeyFormat, Pepper, new_key
from neo.access.keys.models import ApiKey
from neo.access.keys.store import ApiKeyStore
from neo.access.limits.failed_attempts import FailedAttempts
from neo.access.limits.requests import Allowance, RateLimited, RequestLimiter
from neo.access.limits.rows import (
    NO_ROW_BOUNDS,
    CountedRoom,
    QuotaExceeded,
    RowBounds,
    check_room,
)
from neo.access.limits.shares import PROCESS, NestedCounts, Permit, for_admins, most_for
from neo.access.principal import (
    Author,
    Authored,
    CallerKind,
    Credential,
    CredentialKind,
    Principal,
    Role,
    Surface,
)
from neo.access.rights import MINTING_ROLES, TALKING_ROLES, Right, check_right
from neo.access.session_tokens import SECONDS_DEFAULT as TOKEN_SECONDS_DEFAULT
from neo.access.session_tokens import SECONDS_MAX as TOKEN_SECONDS_MAX
from neo.access.session_tokens import SessionClaims, SessionTokens
from neo.access.signed_urls import InvalidSignature, UrlSigner

__all__ = [
    "MINTING_ROLES",
    "NO_ROW_BOUNDS",
    "PROCESS",
    "TALKING_ROLES",
    "TOKEN_SECONDS_DEFAULT",
    "TOKEN_SECONDS_MAX",
    "Allowance",
    "ApiKey",
    "ApiKeyNotFound",
    "ApiKeyStore",
    "Authenticator",
    "Author",
    "Authored",
    "CallerKind",
    "CallerNotAllowed",
    "CountedRoom",
    "Credential",
    "CredentialKind",
    "EntraPerson",
    "EntraRules",
    "EntraVerifier",
    "FailedAttempts",
    "Gate",
    "InvalidSignature",
    "KeyDesk",
    "KeyFormat",
    "KeySource",
    "Lookups",
    "NestedCounts",
    "NewKey",
    "Operator",
    "Pepper",
    "Permit",
    "Principal",
    "QuotaExceeded",
    "RateLimited",
    "RequestLimiter",
    "Right",
    "Role",
    "RowBounds",
    "SessionClaims",
    "SessionTokens",
    "SigningKeys",
    "Surface",
    "Unauthenticated",
    "UrlSigner",
    "acting_for",
    "caller_with",
    "changing",
    "check_right",
    "check_room",
    "for_admins",
    "hold_right",
    "most_for",
    "new_key",
    "revoke_key",
]
