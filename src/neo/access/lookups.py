"""What must be asked before a tenant is known: the listed look-ups of the database, one query each."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from neo.access.principal import Credential, Principal
from neo.db import Database
from neo.kit import Together

FIND_API_KEY = "SELECT * FROM neo_find_api_key($1)"
FIND_TECHNICIAN = "SELECT * FROM neo_find_technician($1, $2)"
FIND_SESSION_TOKEN = "SELECT * FROM neo_find_session_token($1)"  # noqa: S105 - a query, no secret.
FIND_RELAYED_SESSION = "SELECT neo_find_relayed_session($1, $2, $3) AS tenant_id"
LAPSED = "SELECT * FROM neo_lapsed_credentials($1, $2, $3)"


class Lookups:
    def __init__(self, database: Database) -> None:
        self._database = database
        # A tenant's server sends many requests with one key.
        self._keys = Together(self._api_key)

    async def api_key(self, digests: list[bytes]) -> Any | None:
        return await self._keys.ask(tuple(digests), None)

    async def technician(self, entra_tenant: UUID, technician: UUID) -> Any | None:
        return await self._first(FIND_TECHNICIAN, entra_tenant, technician)

    async def session_token(self, jti: UUID) -> Any | None:
        return await self._first(FIND_SESSION_TOKEN, jti)

    async def relayed_session(self, caller: Principal, session_id: UUID) -> UUID | None:
        """The tenant of a session that this platform account opened."""
        found = await self._first(FIND_RELAYED_SESSION, session_id, caller.home_tenant_id, caller.account_id)
        return found["tenant_id"] if found else None

    async def lapsed(self, credentials: Iterable[Credential]) -> set[Credential]:
        """Those of the credentials that no longer hold: revoked, expired, or of a suspended tenant."""
        asked = list(credentials)
        kinds, tenants, ids = (
            [one.kind.value for one in asked],
            [one.tenant_id for one in asked],
            [one.id for one in asked],
        )
        found = await self._database.look_up(LAPSED, kinds, tenants, ids)
        lapsed = {(row["kind"], row["tenant_id"], row["id"]) for row in found}
        return {one for one in asked if (one.kind, one.tenant_id, one.id) in lapsed}

    async def _api_key(self, digests: tuple[bytes, ...], _: set[None]) -> Any | None:
        return await self._first(FIND_API_KEY, digests)

    async def _first(self, query: str, *values: object) -> Any | None:
        found = await self._database.look_up(query, *values)
        return found[0] if found else None
