"""The database's look-ups that run before a tenant is known, one call each. Keys of requests that come in the same
moment share a query.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from neo.access.principal import Credential, Principal
from neo.db import Database


class Lookups:
    def __init__(self, database: Database) -> None:
        self._database = database
        # Every request with an API key waits for this query, so it is batched.
        self._api_keys = database.batch_look_up("neo_find_api_keys", key="digest")

    async def api_key(self, digests: list[bytes]) -> Any | None:
        return await self._api_keys.first(digests)

    async def technician(self, entra_tenant: UUID, technician: UUID) -> Any | None:
        return await self._first("neo_find_technician", entra_tenant, technician)

    async def session_token(self, jti: UUID) -> Any | None:
        return await self._first("neo_find_session_token", jti)

    async def relayed_session(self, caller: Principal, session_id: UUID) -> UUID | None:
        """The tenant of a session that this platform account opened."""
        found = await self._first(
            "neo_find_relayed_session", session_id, caller.home_tenant_id, caller.account_id
        )
        return found["tenant_id"] if found else None

    async def lapsed(self, credentials: Iterable[Credential]) -> set[Credential]:
        """The credentials that are no longer valid: revoked, expired, or of a suspended tenant."""
        asked = list(credentials)
        kinds, tenants, ids = (
            [one.kind.value for one in asked],
            [one.tenant_id for one in asked],
            [one.id for one in asked],
        )
        found = await self._database.call("neo_lapsed_credentials", kinds, tenants, ids)
        lapsed = {(row["kind"], row["tenant_id"], row["id"]) for row in found}
        return {one for one in asked if (one.kind, one.tenant_id, one.id) in lapsed}

    async def _first(self, function: str, *values: object) -> Any | None:
        found = await self._database.call(function, *values)
        return found[0] if found else None
