"""What the database knows of credentials: whose they are, whether they are good, and when a key was last used."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import func, update

from neo.access.keys.models import ApiKey
from neo.access.principal import Credential, Principal
from neo.access.rights import MINTING_ROLES
from neo.db import Database
from neo.errors import Failure

log = structlog.get_logger()

USE_WRITTEN_EVERY = timedelta(seconds=30)
# Writes must not take the connections that requests need.
USES_WRITTEN_MAX = 4


class Lookups:
    """Each runs before a tenant is known, and is one call. Keys of requests that come in the same moment share
    a query.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        # Every request with an API key waits for this query, so it is batched.
        self._api_keys = database.batch_look_up("neo_find_api_keys", key="digest")

    async def api_key(self, digests: list[bytes]) -> Any | None:
        return await self._api_keys(digests)

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


class LastUse:
    """Records when a key was last used, in the background and to about the minute."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writing: dict[UUID, asyncio.Task[None]] = {}

    def note(self, tenant_id: UUID, key_id: UUID, before: datetime | None) -> None:
        is_fresh = before is not None and datetime.now(UTC) - before < USE_WRITTEN_EVERY
        if is_fresh or key_id in self._writing or len(self._writing) >= USES_WRITTEN_MAX:
            return
        task = asyncio.get_running_loop().create_task(self._write(tenant_id, key_id), name="key-last-use")
        self._writing[key_id] = task
        task.add_done_callback(lambda _: self._writing.pop(key_id, None))

    async def _write(self, tenant_id: UUID, key_id: UUID) -> None:
        mine = (ApiKey.tenant_id == tenant_id) & (ApiKey.id == key_id)
        try:
            async with self._database.transaction(tenant_id) as db:
                await db.execute(update(ApiKey).where(mine).values(last_used_at=func.now()))
        except Failure as failure:
            log.info("last_use_not_written", code=failure.code)
