"""The database's look-ups that run before a tenant is known, one query each. Keys of requests that come in the same
moment share a query.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from neo.access.principal import Credential, Principal
from neo.db import Database

FIND_API_KEYS = "SELECT * FROM neo_find_api_keys($1)"
FIND_TECHNICIAN = "SELECT * FROM neo_find_technician($1, $2)"
FIND_SESSION_TOKEN = "SELECT * FROM neo_find_session_token($1)"  # noqa: S105 - a query, no secret.
FIND_RELAYED_SESSION = "SELECT neo_find_relayed_session($1, $2, $3) AS tenant_id"
LAPSED = "SELECT * FROM neo_lapsed_credentials($1, $2, $3)"


class Lookups:
    def __init__(self, database: Database) -> None:
        self._database = database
        # Every request with an API key waits for this query, so it is batched.
        self._api_keys = database.batch_look_up(FIND_API_KEYS, key="digest")

    async def api_key(self, digests: list[bytes]) -> Any | None:
        return await self._api_keys.first(digests)

    async def technician(self, entra_tenant: UUID, technician: UUID) -> Any | None:
        return await self._first(FIND_TECHNICIAN, entra_tenant, technician)

    async def session_token(self, jti: UUID) -> Any | None:
        return await self._first(FIND_SESSION_TOKEN, jti)

    async def relayed_session(self, caller: Principal, session_id: UUID) -> UUID | None:
        """The tenant of a session that this platform account opened."""
        found = await self._first(FIND_RELAYED_SESSION, session_id, caller.home_tenant_id, caller.account_id)
        return found["tenant_id"] if found else None

    async def lapsed(self, credentials: Iterable[Credential]) -> set[Credential]:
        """The credentials that are no longer valid: revoked, expired, or of a suspended tenant."""
        asked = list(credentials)
        kinds, tenants, ids = (
            [one.kind.value for one in asked],
            [one.tenant_id for one in asked],
            [one.id for one in asked],
        )
        found = await self._database.look_up(LAPSED, kinds, tenants, ids)
        lapsed = {(row["kind"], row["tenant_id"], row["id"]) for row in found}
        return {one for one in asked if (one.kind, one.tenant_id, one.id) in lapsed}

    async def _first(self, query: str, *values: object) -> Any | None:
        found = await self._database.look_up(query, *values)
        return found[0] if found else None
