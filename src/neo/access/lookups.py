"""What must be asked before a tenant is known: the listed look-ups of the database, one query each."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, TEXT
from sqlalchemy.engine import Row

from neo.access.principal import Credential, Principal
from neo.db import Database

FIND_API_KEY = text("SELECT * FROM neo_find_api_key(:digests)").bindparams(
    bindparam("digests", type_=ARRAY(BYTEA))
)
FIND_TECHNICIAN = text("SELECT * FROM neo_find_technician(:entra_tenant, :technician)").bindparams(
    bindparam("entra_tenant", type_=Uuid()), bindparam("technician", type_=Uuid())
)
FIND_SESSION_TOKEN = text("SELECT * FROM neo_find_session_token(:token)").bindparams(
    bindparam("token", type_=Uuid())
)
FIND_RELAYED_SESSION = text("SELECT neo_find_relayed_session(:session, :actor_tenant, :account)").bindparams(
    *(bindparam(name, type_=Uuid()) for name in ("session", "actor_tenant", "account"))
)
LAPSED = text("SELECT * FROM neo_lapsed_credentials(:kinds, :tenant_ids, :ids)").bindparams(
    bindparam("kinds", type_=ARRAY(TEXT)),
    bindparam("tenant_ids", type_=ARRAY(Uuid())),
    bindparam("ids", type_=ARRAY(Uuid())),
)


class Lookups:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def api_key(self, digests: list[bytes]) -> Row[Any] | None:
        return await self._first(FIND_API_KEY, digests=digests)

    async def technician(self, entra_tenant: UUID, technician: UUID) -> Row[Any] | None:
        return await self._first(FIND_TECHNICIAN, entra_tenant=entra_tenant, technician=technician)

    async def session_token(self, jti: UUID) -> Row[Any] | None:
        return await self._first(FIND_SESSION_TOKEN, token=jti)

    async def relayed_session(self, caller: Principal, session_id: UUID) -> UUID | None:
        """The tenant of a session that this platform account opened."""
        found = await self._first(
            FIND_RELAYED_SESSION,
            session=session_id,
            actor_tenant=caller.home_tenant_id,
            account=caller.account_id,
        )
        return found[0] if found else None

    async def lapsed(self, credentials: Iterable[Credential]) -> set[Credential]:
        """Those of the credentials that no longer hold: revoked, expired, or of a suspended tenant."""
        asked = list(credentials)
        values = {
            "kinds": [one.kind.value for one in asked],
            "tenant_ids": [one.tenant_id for one in asked],
            "ids": [one.id for one in asked],
        }
        async with self._database.without_tenant() as connection:
            found = (await connection.execute(LAPSED, values)).all()
        lapsed = {(row.kind, row.tenant_id, row.id) for row in found}
        return {one for one in asked if (one.kind, one.tenant_id, one.id) in lapsed}

    async def _first(self, statement: Any, **values: object) -> Row[Any] | None:
        async with self._database.without_tenant() as connection:
            return (await connection.execute(statement, values)).first()
