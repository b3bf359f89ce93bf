"""One look at a connection: does its server let Neo in, and which tools does it list?"""

from collections import Counter
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from neo.connections.checks.findings import found_well, found_wrong, lacks_secret, told_tools
from neo.connections.mcp import McpServers
from neo.connections.outcome import Ending, Outcome
from neo.connections.rows.errors import ConnectionNeedsAuth, ConnectionNotFound, TooManyChecks
from neo.connections.rows.models import Connection, ToolState
from neo.connections.rows.store import ConnectionStore
from neo.connections.rows.targets import Targets
from neo.connections.rows.tool_store import ToolStore
from neo.connections.target import Target
from neo.connections.tools import Catalogue
from neo.db import Database
from neo.vault import KeyWrapping, SecretUnreadable

log = structlog.get_logger()

# Of one tenant and process: each may hold a connection for 15 s.
CHECKS_MAX = 8


class Checker:
    def __init__(self, database: Database, servers: McpServers, wrapping: KeyWrapping) -> None:
        self._database = database
        self._servers = servers
        self._wrapping = wrapping
        self._running: Counter[UUID] = Counter()

    async def check(self, tenant_id: UUID, connection_id: UUID) -> None:
        """Look, and store what was found. Raises `TooManyChecks`."""
        if self._running[tenant_id] >= CHECKS_MAX:
            raise TooManyChecks(
                f"{CHECKS_MAX} connections of yours are being checked at this moment.", retry_after_seconds=15
            )
        self._running[tenant_id] += 1
        try:
            await self._check(tenant_id, connection_id)
        finally:
            self._running[tenant_id] -= 1
            self._running += Counter()

    async def _check(self, tenant_id: UUID, connection_id: UUID) -> None:
        looked_at, target = await self._read(tenant_id, connection_id)
        if target is None:
            return
        if isinstance(target, Outcome):
            found: Catalogue | Outcome = target
        else:
            async with self._servers.client(target) as client:
                found = await client.list_tools()
        async with self._database.transaction(tenant_id) as db:
            try:
                connection = await ConnectionStore(db, tenant_id).lock(connection_id)
            except ConnectionNotFound:
                return
            # Somebody has changed it meanwhile: what was found is of the one before.
            if connection.version == looked_at.version and not connection.is_disabled:
                await self._store(db, connection, target, found)

    async def _read(self, tenant_id: UUID, connection_id: UUID) -> tuple[Connection, Target | Outcome | None]:
        """The connection, and its target: None if there is nothing to look at, an outcome if it cannot be opened."""
        async with self._database.transaction(tenant_id) as db:
            store = ConnectionStore(db, tenant_id)
            connection = await store.get(connection_id)
            if connection.is_disabled:
                return connection, None
            try:
                return connection, await Targets(db, tenant_id, self._wrapping).of(connection)
            except ConnectionNeedsAuth:
                await store.note(connection_id, lacks_secret())
                return connection, None
            except SecretUnreadable as failure:
                detail = failure.message
                return connection, Outcome(
                    ending=Ending.REFUSED, is_sent=False, detail=detail, code=failure.code
                )

    async def _store(
        self, db: AsyncSession, connection: Connection, target: Target | Outcome, found: Catalogue | Outcome
    ) -> None:
        store = ConnectionStore(db, connection.tenant_id)
        if isinstance(found, Outcome) or isinstance(target, Outcome):
            assert isinstance(found, Outcome)  # noqa: S101 - without a target there is no catalogue.
            await store.note(connection.id, found_wrong(connection, found))
            return
        await store.note(connection.id, found_well(found))
        tools = ToolStore(db, connection.tenant_id)
        known = {tool.name: (tool.listed_digest, tool.problem) for tool in await tools.all(connection.id)}
        told = {one["name"]: one for one in told_tools(found, target)}
        changed = [
            one for one in told.values() if known.get(one["name"]) != (one["listed_digest"], one["problem"])
        ]
        gone = [name for name, (digest, _) in known.items() if digest is not None and name not in told]
        await tools.note_listed(connection.id, changed)
        if gone:
            await tools.note_gone(connection.id, gone)
        if known and (changed or gone):
            counts = (await tools.counts([connection.id]))[connection.id]
            await _log(connection, counts)


async def _log(connection: Connection, counts: dict[str, int]) -> None:
    told = {state.lower(): counts.get(state, 0) for state in ToolState}
    ids = {"tenant_id": str(connection.tenant_id), "connection_id": str(connection.id)}
    log.info("connection_tools_changed", **ids, **told)
