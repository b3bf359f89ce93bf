"""What the database knows of credentials: whose they are, and whether they are good."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from neo.access.principal import Credential, Principal
from neo.access.rights import MINTING_ROLES
from neo.db import Database


class Lookups:
    """Each runs before a tenant is known, and is one call. Keys of requests that come in the same moment share
    a query.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        # Every request with an API key waits for this query, so it is batched.
        self.api_key = database.batch_look_up("neo_find_api_keys", key="digest")

    async def technician(self, entra_tenant: UUID, technician: UUID) -> Any | None:
        return await self._first("neo_find_technician", entra_tenant, technician)

    async def session_token(self, jti: UUID) -> Any | None:
        return await self._first("neo_find_session_token", jti, MINTING_ROLES)

    async def relayed_session(self, caller: Principal, session_id: UUID) -> UUID | None:
        """The tenant of a session that this platform account opened."""
        found = await self._first(
            "neo_find_relayed_session", session_id, caller.home_tenant_id, caller.account_id
        )
        return found["tenant_id"] if found else None

    async def lapsed(self, credentials: Iterable[Credential]) -> set[Credential]:
        """The credentials that are no longer what they were: revoked, expired, of a suspended tenant, or of a
        technician with another role.
        """
        asked = list(credentials)
        found = await self._database.call(
            "neo_lapsed_credentials",
            [one.kind.value for one in asked],
            [one.tenant_id for one in asked],
            [one.id for one in asked],
            [one.role.value if one.role else None for one in asked],
            MINTING_ROLES,
        )
        lapsed = {tuple(row.values()) for row in found}
        return {one for one in asked if (one.kind, one.tenant_id, one.id, one.role) in lapsed}

    async def _first(self, function: str, *values: object) -> Any | None:
        found = await self._database.call(function, *values)
        return found[0] if found else None
