"""The development issuer's metadata, keys and tokens, with the claims of Entra's v2.0 tokens."""

import hashlib
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, Field

from neo.engines.data_folder.private_file import write_once

if TYPE_CHECKING:
    from joserfc.jwk import RSAKey

KEY_FILE = "dev-issuer.json"
PRIVATE_FOLDER = 0o700
AUDIENCE = UUID("a0d1e0ce-0000-4000-8000-00000000ae0a")
CLIENT_ID = UUID("c11e0710-0000-4000-8000-00000000c11e")
ALGORITHM = "RS256"


class TokenRequest(BaseModel):
    """The person, application and audience of a token to sign."""

    model_config = ConfigDict(extra="forbid")

    tid: UUID
    oid: UUID
    name: str | None = None
    email: str | None = None
    roles: list[str] = []
    scope: str = "access_as_user"
    audience: UUID = AUDIENCE
    client_id: UUID = CLIENT_ID
    expires_in: int = Field(3600, ge=1, le=24 * 3600)
    # 1 is a guest of the tenant, as in Entra's optional claim.
    acct: Literal[0, 1] | None = None


def read_key(folder: Path) -> "RSAKey":
    """The folder's private key, generated once."""
    from joserfc.jwk import RSAKey  # noqa: PLC0415 - stays out of `--help`.

    file = folder / KEY_FILE
    if not file.exists():
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        write_once(file, json.dumps(RSAKey.generate_key(auto_kid=True).as_dict(private=True)))
    return RSAKey.import_key(json.loads(file.read_text()))


def metadata(url: str) -> dict[str, Any]:
    return {
        "issuer": f"{url}/{{tenantid}}/v2.0",
        "jwks_uri": f"{url}/common/discovery/v2.0/keys",
        "token_endpoint": f"{url}/token",
        "id_token_signing_alg_values_supported": [ALGORITHM],
    }


def published(key: "RSAKey", url: str) -> dict[str, Any]:
    """The key set, with each key's own issuer as Entra gives it."""
    issuer = metadata(url)["issuer"]
    return {"keys": [key.as_dict(private=False, use="sig", alg=ALGORITHM, issuer=issuer)]}


def claims(wanted: TokenRequest, url: str) -> dict[str, Any]:
    now = int(time.time())
    subject = hashlib.sha256(f"{wanted.oid} {wanted.client_id}".encode()).hexdigest()[:43]
    said = {
        "acct": wanted.acct,
        "aud": str(wanted.audience),
        "iss": f"{url}/{wanted.tid}/v2.0",
        "iat": now,
        "nbf": now,
        "exp": now + wanted.expires_in,
        "azp": str(wanted.client_id),
        "azpacr": "0",
        "name": wanted.name,
        "oid": str(wanted.oid),
        "preferred_username": wanted.email,
        "roles": wanted.roles or None,
        "scp": wanted.scope or None,
        "sub": subject,
        "tid": str(wanted.tid),
        "uti": uuid4().hex[:22],
        "ver": "2.0",
    }
    return {name: value for name, value in said.items() if value is not None}


def sign(key: "RSAKey", said: dict[str, Any]) -> str:
    from joserfc import jws  # noqa: PLC0415

    header = {"typ": "JWT", "alg": ALGORITHM, "kid": key.kid}
    return jws.serialize_compact(header, json.dumps(said), key, algorithms=[ALGORITHM])


def settings_for(url: str) -> dict[str, str]:
    """The settings that make Neo accept these tokens."""
    return {
        "NEO_ENTRA_AUDIENCE": str(AUDIENCE),
        "NEO_ENTRA_CLIENT_IDS": str(CLIENT_ID),
        "NEO_ENTRA_METADATA_URL": f"{url}/common/v2.0/.well-known/openid-configuration",
    }
