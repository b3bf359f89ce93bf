"""End-user session tokens: signed with EdDSA, and good for one chat session. Whether one was revoked is in the
database.
"""

import base64
import hashlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from neo.access.errors import CredentialLapsed, Unauthenticated
from neo.kit import KeyPurpose, derived_key, former_session_token_key

ISSUER = "neo:session-token"
ALGORITHM = "EdDSA"
SECONDS_DEFAULT = 3600
SECONDS_MAX = 24 * 3600
# Another host's clock may be a little ahead.
LEEWAY_SECONDS = 60


@dataclass(frozen=True)
class SessionClaims:
    jti: UUID
    tenant_id: UUID
    session_id: UUID
    expires_at: datetime
    end_user: str | None
    end_user_email: str | None
    end_company_id: str | None
    allowed_agent_ids: tuple[int, ...]

    def payload(self) -> dict[str, Any]:
        return {
            "iss": ISSUER,
            "jti": str(self.jti),
            "tenant_id": str(self.tenant_id),
            "session_id": str(self.session_id),
            "sub": self.end_user,
            "email": self.end_user_email,
            "end_company_id": self.end_company_id,
            "allowed_agent_ids": list(self.allowed_agent_ids),
            "iat": int(datetime.now(UTC).timestamp()),
            "exp": int(self.expires_at.timestamp()),
        }


class SessionTokens:
    """Signs with the first secret and verifies with each, because there are two during a rotation. Tokens that were
    signed with the former derivation are good until they end.
    """

    def __init__(self, secret_keys: tuple[str, ...]) -> None:
        self._secret_keys = secret_keys

    def sign(self, claims: SessionClaims) -> str:
        header = {"alg": ALGORITHM, "kid": self._keys[0].kid}
        with _without_warning():
            return jwt.encode(header, claims.payload(), self._keys[0], algorithms=[ALGORITHM])

    def verify(self, token: str) -> tuple[UUID, float]:
        """The token's id and its end in epoch seconds, if the signature is good. Whether the token was revoked is not
        known here.
        """
        try:
            with _without_warning():
                claims = jwt.decode(token, KeySet([*self._keys]), algorithms=[ALGORITHM]).claims
            found, expires_at = UUID(claims["jti"]), float(claims["exp"])
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise Unauthenticated("The session token is not valid.") from error
        if claims["iss"] != ISSUER or expires_at + LEEWAY_SECONDS < datetime.now(UTC).timestamp():
            raise CredentialLapsed("The session token has expired: mint a new one.")
        return found, expires_at

    @cached_property
    def _keys(self) -> list[OKPKey]:
        signing = [derived_key(secret, KeyPurpose.SESSION_TOKENS) for secret in self._secret_keys]
        former = [former_session_token_key(secret) for secret in self._secret_keys]
        return [_key(seed) for seed in (*signing, *former)]


def _key(seed: bytes) -> OKPKey:
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    kid = hashlib.sha256(public).hexdigest()[:16]
    return OKPKey.import_key(
        {"kty": "OKP", "crv": "Ed25519", "d": _base64(seed), "x": _base64(public), "kid": kid}
    )


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@contextmanager
def _without_warning() -> Iterator[None]:
    # RFC 9864 renames the algorithm to `Ed25519`. The old name is kept because older readers know only that one.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="EdDSA is deprecated")
        yield
