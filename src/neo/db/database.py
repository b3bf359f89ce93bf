from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import event, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from neo.db.batch_look_up import BatchLookUp
from neo.db.committing import committed
from neo.db.driver import DEAD, cut, driver_of, mapped, unavailable
from neo.db.held import HeldConnection, HeldConnections
from neo.db.places import WAIT_SECONDS, Places

CONNECT_SECONDS = 2.0
# For look-ups of keys, beside all others.
KEY_CONNECTIONS = 1
# An index look-up takes a fraction of a millisecond; a server that is silent for this long is down or frozen.
ANSWER_SECONDS = 1.5
# Of all connections one in four is kept for functions: one that is used again and again is used without a check.
KEPT_SHARE = 4
# A statement of ours takes milliseconds; one that takes this long is stuck behind a lock.
STATEMENT_SECONDS = 30.0
# The server ends a statement itself; one that is silent for this much longer is frozen or cut off.
SILENCE_SECONDS = 2.0
LOCK_WAIT_SECONDS = 5

# Only ever formatted with a UUID.
BEGIN = "BEGIN; SET LOCAL neo.tenant_id = '{tenant_id}'"


class Database:
    """Opens transactions, each for one tenant. Nothing else commits or rolls back."""

    def __init__(
        self, url: str, *, connections_max: int = 20, statement_seconds: float = STATEMENT_SECONDS
    ) -> None:
        kept = max(1, connections_max // KEPT_SHARE)
        places = max(1, connections_max - kept)
        self._engine = create_async_engine(
            url,
            pool_size=places + kept + KEY_CONNECTIONS,
            max_overflow=0,
            # What people say to each other must not reach a log by way of a failed statement.
            hide_parameters=True,
            # Never waited for: there are as many connections as places and kept ones.
            pool_timeout=WAIT_SECONDS,
            connect_args={
                "timeout": CONNECT_SECONDS,
                "command_timeout": statement_seconds + SILENCE_SECONDS,
                "server_settings": {
                    "application_name": "neo",
                    "jit": "off",
                    "statement_timeout": str(round(statement_seconds * 1000)),
                    "lock_timeout": str(LOCK_WAIT_SECONDS * 1000),
                },
            },
        )

        # Transactions are begun and ended here, in as few messages as they need; the library begins none.
        self._autocommit: AsyncEngine = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        event.listen(self._engine.sync_engine, "checkout", _refuse_used)
        self._of_keys = HeldConnection(self._autocommit, answer_seconds=ANSWER_SECONDS)
        self._kept = HeldConnections(self._autocommit, kept)
        self._places = Places(places)

    @asynccontextmanager
    async def transaction(self, tenant_id: UUID) -> AsyncIterator[AsyncSession]:
        """One transaction that sees one tenant; commits at the end, rolls back on any error."""
        async with self._begun(tenant_id) as connection:
            session = AsyncSession(connection, expire_on_commit=False, autoflush=False)
            try:
                async with committed(connection):
                    yield session
                    await session.flush()
            finally:
                await session.close()

    async def call(self, function: str, *values: object) -> Sequence[asyncpg.Record]:
        """The rows of a function that sets its own tenant, `name($1, $2)`: a hot transaction in one message to the
        server.

        It is called again when its connection died, so it does nothing twice.
        """
        return await self._kept.fetch(f"SELECT * FROM {function}", *values)  # noqa: S608 - names of ours.

    @asynccontextmanager
    async def without_tenant(self) -> AsyncIterator[AsyncConnection]:
        """Single statements of no tenant: they see no tenant's rows and may call the listed look-ups."""
        async with mapped(), self._places.taken(), self._autocommit.connect() as connection:
            yield connection

    async def look_up(self, query: str, *values: object) -> Sequence[asyncpg.Record]:
        """The rows of a listed look-up."""
        return await self._kept.fetch(query, *values)

    def batch_look_up(self, query: str, *, key: str) -> BatchLookUp:
        """A listed look-up of many keys, which its rows tell as `key`, over a connection that is kept for it."""
        return BatchLookUp(lambda keys: self._of_keys.fetch(query, keys), key=key)

    async def ping(self) -> None:
        async with self.without_tenant() as connection:
            await connection.execute(text("SELECT 1"))

    async def aclose(self) -> None:
        await self._of_keys.aclose()
        await self._kept.aclose()
        await self._engine.dispose()

    @asynccontextmanager
    async def _begun(self, tenant_id: UUID) -> AsyncIterator[AsyncConnection]:
        async with mapped(), self._places.taken():
            connection = await self._opened(tenant_id)
            try:
                yield connection
            finally:
                await connection.close()

    async def _opened(self, tenant_id: UUID) -> AsyncConnection:
        try:
            return await self._open(tenant_id)
        except DEAD:
            # A pooled connection that died with a restarted server: nothing was done on it yet.
            await self._engine.dispose()
        try:
            return await self._open(tenant_id)
        except DEAD as error:
            raise unavailable() from error

    async def _open(self, tenant_id: UUID) -> AsyncConnection:
        connection = await self._autocommit.connect()
        try:
            # In one message: a transaction of three statements would else take five.
            await (await driver_of(connection)).execute(BEGIN.format(tenant_id=tenant_id))
        except BaseException:
            await cut(connection)
            await connection.close()
            raise
        return connection


def _refuse_used(driver: Any, *_: object) -> None:
    """Nobody is handed a connection that is still in somebody's transaction."""
    if driver.driver_connection.is_in_transaction():
        raise DisconnectionError("A transaction was left open.")
