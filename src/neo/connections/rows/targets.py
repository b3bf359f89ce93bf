"""A stored connection as a call needs it: its row, and its secret opened."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from neo.connections.rows.destination import purpose_of
from neo.connections.rows.errors import ConnectionNeedsAuth
from neo.connections.rows.models import AuthType, Connection
from neo.connections.target import Auth, Bearer, ClientCredentials, CompanyPlaces, Header, NoAuth, Target
from neo.vault import KeyWrapping, Secret, SecretStore


class Targets:
    def __init__(self, db: AsyncSession, tenant_id: UUID, wrapping: KeyWrapping) -> None:
        self._tenant_id = tenant_id
        self._secrets = SecretStore(db, tenant_id, wrapping)

    async def of(self, connection: Connection) -> Target:
        """Raises `ConnectionNeedsAuth` where a secret is needed and there is none, and `SecretUnreadable`."""
        return Target(
            tenant=str(self._tenant_id),
            connection=str(connection.id),
            url=connection.url,
            auth=await self._auth(connection),
            company=_places(connection.company_places),
            protocol=connection.protocol,
        )

    async def _auth(self, connection: Connection) -> Auth:
        auth = connection.auth
        if auth["type"] == AuthType.NONE:
            return NoAuth()
        if connection.secret_id is None:
            raise ConnectionNeedsAuth("The connection has no secret.")
        # For another place than the one it was given for, it does not open.
        purpose = purpose_of(connection.url, auth)
        secret: Secret = await self._secrets.open(connection.secret_id, purpose)
        if auth["type"] == AuthType.BEARER:
            return Bearer(secret)
        if auth["type"] == AuthType.HEADER:
            return Header(auth["header"], secret)
        return ClientCredentials(
            token_url=auth["token_url"],
            client_id=auth["client_id"],
            client_secret=secret,
            scope=auth.get("scope") or "",
            resource=auth.get("resource") or "",
        )


def _places(stored: Mapping[str, Any]) -> CompanyPlaces:
    """Without an argument: that is among those of a call when it is planned."""
    return CompanyPlaces(header=stored.get("header"), meta=stored.get("meta"))
