"""Verifies a Microsoft Entra ID access token against the keys that Entra publishes."""

import re
import time
from collections.abc import Callable
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from neo.access.entra.claims import EntraRules, check_issuer, check_times, check_use, guid, is_guest, refused
from neo.access.entra.compact_token import NotReadable, read_header, read_object
from neo.access.entra.key_ring import SigningKey, is_kid
from neo.access.entra.person import EntraPerson
from neo.access.entra.signing_keys import SigningKeys

ALGORITHMS = ["RS256"]
# Entra sends none of these headers. Each names another key or another way to read the token.
HEADERS_REFUSED = frozenset({"crit", "b64", "jku", "jwk", "x5u", "x5c", "cty", "enc", "zip"})
# The longest address that mail may have.
SHOWN_CHARACTERS_MAX = 320
# PostgreSQL stores neither NUL nor half a surrogate pair; the other control characters have no use on a screen.
UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
NO_ROLES: frozenset[str] = frozenset()


class EntraVerifier:
    """Finds the person that a token speaks for. `clock` returns epoch seconds."""

    def __init__(
        self, rules: EntraRules, keys: SigningKeys, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._rules = rules
        self._keys = keys
        self._clock = clock

    async def verify(self, token: str) -> EntraPerson:
        """The person of a delegated access token.

        Raises `Unauthenticated` when the token is not valid, `DelegatedTokenNeeded` or
        `ClientApplicationNotAllowed` when it is valid but not for this use, and `IdentityProviderUnavailable`
        when the signing keys cannot be fetched.
        """
        kid = _kid(token)
        ring = await self._keys.ring_for(kid)
        key = ring.keys.get(kid)
        if key is None:
            raise refused("its signing key is not known")
        claims = _signed(token, key)
        expires_at = check_times(claims, self._clock())
        tenant = check_issuer(claims, self._rules, ring.issuer, key.issuer)
        person = guid(claims, "oid")
        check_use(claims, self._rules)
        return EntraPerson(
            tenant,
            person,
            _name(claims),
            _email(claims),
            _roles(claims),
            expires_at,
            is_guest=is_guest(claims, tenant),
        )

    async def aclose(self) -> None:
        await self._keys.aclose()


def _kid(token: str) -> str:
    try:
        header = read_header(token)
    except NotReadable as error:
        raise refused("it is not a signed token in compact form") from error
    if header.get("alg") not in ALGORITHMS or header.get("typ", "JWT") != "JWT":
        raise refused("it is not a JWT signed with RS256")
    if not HEADERS_REFUSED.isdisjoint(header) or not is_kid(header.get("kid")):
        raise refused("its header is not one that Entra sends")
    return str(header["kid"])


def _signed(token: str, key: SigningKey) -> dict[str, Any]:
    registry = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    try:
        return read_object(jws.deserialize_compact(token, key.key, registry=registry).payload)
    except JoseError as error:
        raise refused("its signature does not hold") from error
    except NotReadable as error:
        raise refused("its claims cannot be read") from error


def _name(claims: dict[str, Any]) -> str | None:
    return _shown(claims.get("name"))


def _email(claims: dict[str, Any]) -> str | None:
    names = ("email", "preferred_username", "upn", "unique_name")
    return next((shown for name in names if (shown := _shown(claims.get(name)))), None)


def _shown(value: Any) -> str | None:
    """The value, if it is text that can be stored and shown, as all that Entra sends can."""
    is_text = isinstance(value, str) and 0 < len(value) <= SHOWN_CHARACTERS_MAX
    return value if is_text and not UNFIT.search(value) else None


def _roles(claims: dict[str, Any]) -> frozenset[str]:
    roles = claims.get("roles")
    return frozenset(role for role in roles if isinstance(role, str)) if isinstance(roles, list) else NO_ROLES
