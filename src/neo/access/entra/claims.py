"""The claims that a Microsoft Entra ID access token must have to be accepted."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from neo.access.errors import (
    ClientApplicationNotAllowed,
    CredentialLapsed,
    DelegatedTokenNeeded,
    Unauthenticated,
)

LEEWAY_SECONDS = 60
# Entra's tokens live for 28 hours at most, so a token that is valid for years is not Entra's.
LIFETIME_SECONDS_MAX = 366 * 24 * 3600
GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.ASCII)
# The tenant of all personal Microsoft accounts: it is no organisation.
CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"
TENANT = "{tenantid}"


@dataclass(frozen=True, kw_only=True)
class EntraRules:
    """Whose tokens are accepted: for which audience, with which scope, got by which applications.

    v1.0 tokens are accepted only with a `v1_audience`.
    """

    audience: str
    client_ids: frozenset[str]
    scope: str
    v1_audience: str | None
    v1_issuer: str


def refused(reason: str) -> Unauthenticated:
    return Unauthenticated(f"The Microsoft Entra ID token is not accepted: {reason}.")


def check_times(claims: dict[str, Any], now: float) -> float:
    """When the token expires, as seconds of the epoch; `exp` is a must, `nbf` and `iat` may be missing."""
    expires_at = _instant(claims, "exp", now + LIFETIME_SECONDS_MAX)
    for name in ("nbf", "iat"):
        if name in claims:
            _instant(claims, name, now + LEEWAY_SECONDS)
    if now >= expires_at + LEEWAY_SECONDS:
        raise CredentialLapsed("The Microsoft Entra ID token has expired: get a new one.")
    return float(expires_at)


def check_issuer(claims: dict[str, Any], rules: EntraRules, v2_issuer: str, key_issuer: str | None) -> UUID:
    """The tenant, when version, issuer, audience and the key's own issuer all fit it."""
    version, tenant, issuer = claims.get("ver"), guid(claims, "tid"), claims.get("iss")
    forms = {"2.0": (v2_issuer, rules.audience)}
    if rules.v1_audience is not None:
        forms["1.0"] = (rules.v1_issuer, rules.v1_audience)
    if not isinstance(version, str) or version not in forms:
        raise refused("it is of a version (`ver`) that is not configured")
    if str(tenant) == CONSUMERS:
        raise refused("it is of a personal Microsoft account")
    template, audience = forms[version]
    if issuer != _of(template, tenant) or f"/{tenant}/" not in issuer:
        raise refused("its issuer (`iss`) is not its tenant's")
    # The keys that are published for v2.0 sign v1.0 tokens as well.
    if key_issuer is not None and _of(key_issuer, tenant) not in (issuer, _of(v2_issuer, tenant)):
        raise refused("its signing key is another issuer's")
    if claims.get("aud") not in (audience, [audience]):
        raise refused("its audience (`aud`) is not this server")
    return tenant


def check_use(claims: dict[str, Any], rules: EntraRules) -> None:
    """An access token that an allowed application got for our scope, in a person's name."""
    application = claims.get("azp" if claims["ver"] == "2.0" else "appid")
    if not isinstance(application, str):
        raise refused("it is not an access token, perhaps an ID token")
    scopes = claims.get("scp")
    if claims.get("idtyp", "user") != "user" or not isinstance(scopes, str):
        raise DelegatedTokenNeeded("Send a token of a signed-in person: one of an application is not enough.")
    if rules.scope not in scopes.split(" "):
        raise DelegatedTokenNeeded(f"The token lacks the scope `{rules.scope}`: ask for it when signing in.")
    if application not in rules.client_ids:
        raise ClientApplicationNotAllowed("The application that got the token may not call this server.")


def is_guest(claims: dict[str, Any], tenant: UUID) -> bool:
    """Whether the person belongs to another organisation. `acct` says so where the application asks for that claim;
    `idp` is there only for somebody whom another identity provider signed in. What cannot be read counts as a guest.
    """
    provider = claims.get("idp")
    is_from_here = provider is None or (isinstance(provider, str) and str(tenant) in provider)
    return claims.get("acct", 0) not in (0, "0") or not is_from_here


def guid(claims: dict[str, Any], name: str) -> UUID:
    value = claims.get(name)
    if not isinstance(value, str) or not GUID.fullmatch(value):
        raise refused(f"`{name}` is no GUID")
    return UUID(value)


def _instant(claims: dict[str, Any], name: str, latest: float) -> int:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= latest:
        raise refused(f"`{name}` is missing or out of range")
    return value


def _of(template: str, tenant: UUID) -> str:
    return template.replace(TENANT, str(tenant))
