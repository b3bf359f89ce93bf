"""One look at a connection: does its server let Neo in, and which tools does it list, if it is one that lists them?"""

from collections import Counter
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from neo.connections.checks.findings import found_up, found_well, found_wrong, lacks_secret, told_tools
from neo.connections.checks.listed import store_listed
from neo.connections.exchange import SERVER_ERROR
from neo.connections.http_api import Operation
from neo.connections.outcome import Ending, Outcome
from neo.connections.rows.errors import ConnectionNeedsAuth, ConnectionNotFound, TooManyChecks
from neo.connections.rows.models import Connection, ConnectionKind
from neo.connections.rows.store import ConnectionStore
from neo.connections.rows.targets import Targets
from neo.connections.servers import Servers
from neo.connections.target import Target
from neo.connections.tools import Catalogue
from neo.db import Database
from neo.vault import KeyWrapping, SecretUnreadable

# Of one tenant and process: each may hold a connection for 15 s.
CHECKS_MAX = 8
CHECK_SECONDS = 15.0
# An API has no list to ask for. This has no effect and no body; whatever it is answered, the server is there.
KNOCK = Operation(name="check", method="HEAD", path="/")


class Checker:
    def __init__(self, database: Database, servers: Servers, wrapping: KeyWrapping) -> None:
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
            found = await self._asked(looked_at, target)
        async with self._database.transaction(tenant_id) as db:
            try:
                connection = await ConnectionStore(db, tenant_id).lock(connection_id)
            except ConnectionNotFound:
                return
            # Somebody has changed it meanwhile: what was found is of the one before.
            if connection.version == looked_at.version and not connection.is_disabled:
                await self._store(db, connection, target, found)

    async def _asked(self, connection: Connection, target: Target) -> Catalogue | Outcome:
        if connection.kind == ConnectionKind.HTTP_API:
            async with self._servers.http_api(target, [KNOCK]) as api:
                return await api.call(KNOCK.name, {}, key=KNOCK.name, seconds=CHECK_SECONDS)
        async with self._servers.mcp(target) as client:
            return await client.list_tools(seconds=CHECK_SECONDS)

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
        if isinstance(found, Catalogue):
            await store.note(connection.id, found_well(found))
            secrets = target.secrets() if isinstance(target, Target) else ()
            await store_listed(db, connection, told_tools(found, secrets))
        elif connection.kind == ConnectionKind.HTTP_API and _is_up(found):
            await store.note(connection.id, found_up())
        else:
            await store.note(connection.id, found_wrong(connection, found))


def _is_up(outcome: Outcome) -> bool:
    """Any answer of an API says that it is there, but that it is failing or does not let Neo in."""
    is_answered = outcome.status is not None and outcome.status < SERVER_ERROR
    return is_answered and outcome.ending not in (Ending.NEEDS_AUTH, Ending.TIMED_OUT)
