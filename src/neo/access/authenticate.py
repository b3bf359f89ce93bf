from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from neo.access.errors import Unauthenticated
from neo.access.keys import KeyFormat, Pepper
from neo.access.principal import Principal
from neo.db import Database

FIND = text("SELECT id, tenant_id, account_id FROM neo_find_api_key(:digests)").bindparams(
    bindparam("digests", type_=ARRAY(BYTEA))
)
TOKEN_CHARACTERS_MAX = 8192
JWT_DOTS = 2


class Authenticator:
    """Tells who holds a bearer token. One query a request, so that a revoked key stops at once."""

    def __init__(self, database: Database, key_format: KeyFormat, pepper: Pepper) -> None:
        self._database = database
        self._format = key_format
        self._pepper = pepper

    async def authenticate(self, authorization: list[str]) -> Principal:
        """The principal behind the request's `Authorization` headers."""
        key = _bearer(authorization)
        if not self._format.is_wellformed(key):
            raise _refused(key)
        async with self._database.without_tenant() as connection:
            found = (await connection.execute(FIND, {"digests": self._pepper.digests(key)})).first()
        if found is None:
            raise _refused(key)
        return Principal(tenant_id=found.tenant_id, account_id=found.account_id, key_id=found.id)


def _bearer(authorization: list[str]) -> str:
    if not authorization:
        raise Unauthenticated("Send your API key as `Authorization: Bearer neo_sk_...`.")
    scheme, _, token = authorization[0].partition(" ")
    if len(authorization) > 1 or scheme.lower() != "bearer" or not token or len(token) > TOKEN_CHARACTERS_MAX:
        raise Unauthenticated("Send one `Authorization: Bearer <API key>` header.")
    return token


def _refused(token: str) -> Unauthenticated:
    if token.count(".") == JWT_DOTS:
        return Unauthenticated(
            "Microsoft Entra ID tokens are not accepted by this server yet: use an API key."
        )
    return Unauthenticated("The API key is unknown, expired or revoked.")
