"""Reads the public keys that an identity provider signs with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from joserfc.util import base64_to_int

KID_CHARACTERS_MAX = 200
# NIST SP 800-131A and Entra ask for the minimum; the maximum bounds what one verification costs.
MODULUS_BITS_MIN = 2048
MODULUS_BITS_MAX = 8192
PRIVATE_PARTS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@dataclass(frozen=True)
class SigningKey:
    """A public key; `issuer` is the template of those whose tokens it may sign, None for any."""

    key: RSAKey
    issuer: str | None


@dataclass(frozen=True)
class KeyRing:
    """What was published at one time; `issuer` has `{tenantid}` where the tenant's id goes."""

    issuer: str
    keys: Mapping[str, SigningKey]


def read_keys(published: Any) -> dict[str, SigningKey]:
    """The usable keys of a JSON Web Key Set by their `kid`; all others are left out."""
    entries = published.get("keys") if isinstance(published, dict) else None
    found: dict[str, SigningKey] = {}
    for entry in entries if isinstance(entries, list) else []:
        key = _usable(entry) if isinstance(entry, dict) else None
        if key is not None:
            found.setdefault(entry["kid"], key)
    return found


def is_kid(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= KID_CHARACTERS_MAX


def _usable(entry: dict[str, Any]) -> SigningKey | None:
    if not _is_for_us(entry):
        return None
    try:
        if not MODULUS_BITS_MIN <= base64_to_int(entry["n"]).bit_length() <= MODULUS_BITS_MAX:
            return None
        # Only the numbers of the key are taken; references such as `x5u` are not followed.
        key = RSAKey.import_key({"kty": "RSA", "n": entry["n"], "e": entry["e"]})
    except (JoseError, ValueError):
        return None
    return SigningKey(key, entry.get("issuer"))


def _is_for_us(entry: dict[str, Any]) -> bool:
    return (
        entry.get("kty") == "RSA"
        and entry.get("use", "sig") == "sig"
        and entry.get("alg", "RS256") == "RS256"
        and is_kid(entry.get("kid"))
        and isinstance(entry.get("n"), str)
        and isinstance(entry.get("e"), str)
        and isinstance(entry.get("issuer", ""), str)
        and PRIVATE_PARTS.isdisjoint(entry)
    )
