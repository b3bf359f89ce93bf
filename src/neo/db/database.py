from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from neo.db.committing import committed
from neo.db.driver import DEAD, DatabaseUnavailable, cut, driver_of, mapped, unavailable
from neo.db.function_call import calling
from neo.db.plain_json import read_json
from neo.db.pool import NOBODY, WAIT_SECONDS, FunctionConnection, FunctionPool, Permits
from neo.kit import Batcher

CONNECT_SECONDS = 2.0
# For look-ups of keys, besides all others.
KEY_CONNECTIONS = 1
# Of those who look up keys, as many share a query; the others go with the next one.
ASKERS_MAX = 1_000
# An index look-up takes a fraction of a millisecond; a server that is silent for this long is down or frozen.
ANSWER_SECONDS = 1.5
# One connection in four is for functions: one that is used again and again is used without a check.
FUNCTIONS_SHARE = 4
# A statement of ours takes milliseconds; one that takes this long is stuck behind a lock.
STATEMENT_SECONDS = 30.0
# The server ends a statement itself; one that is silent for this much longer is frozen or cut off.
SILENCE_SECONDS = 2.0
LOCK_WAIT_SECONDS = 5
# What a connection without a tenant is asked first: a pooled one may have died, and shows it only when it is used.
ANY_ANSWER = "SELECT 1"
# What statements rely on. A role may change its own defaults (`ALTER ROLE`); what a connection asks for comes first.
RELIED_ON = {
    "search_path": "public, pg_temp",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "row_security": "on",
    "standard_conforming_strings": "on",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
}


class Database:
    """Opens transactions, each for one tenant. Nothing else commits or rolls back."""

    def __init__(
        self, url: str, *, connections_max: int = 20, statement_seconds: float = STATEMENT_SECONDS
    ) -> None:
        for_functions = max(1, connections_max // FUNCTIONS_SHARE)
        for_transactions = max(1, connections_max - for_functions)
        self._engine = create_async_engine(
            url,
            pool_size=for_transactions + for_functions + KEY_CONNECTIONS,
            max_overflow=0,
            # What people say to each other must not reach a log by way of a failed statement.
            hide_parameters=True,
            json_deserializer=read_json,
            # Never waited for: there are as many connections as permits for them.
            pool_timeout=WAIT_SECONDS,
            connect_args={
                "timeout": CONNECT_SECONDS,
                "command_timeout": statement_seconds + SILENCE_SECONDS,
                "server_settings": {
                    **RELIED_ON,
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
        self._key_connection = FunctionConnection(self._autocommit, answer_seconds=ANSWER_SECONDS)
        self._functions = FunctionPool(self._autocommit, for_functions)
        self._permits = Permits(for_transactions, are_parted=True)

    @asynccontextmanager
    async def transaction(self, tenant_id: UUID) -> AsyncIterator[AsyncSession]:
        """One transaction that sees one tenant; commits at the end, rolls back on any error."""
        async with self._connection(_beginning(tenant_id), tenant_id) as connection:
            session = AsyncSession(connection, expire_on_commit=False, autoflush=False)
            try:
                async with committed(connection):
                    yield session
                    await session.flush()
            finally:
                await session.close()

    async def call(self, function: str, *values: object) -> Sequence[asyncpg.Record]:
        """The rows of a function of the database (`db/sql/functions`), called with these values.

        One message to the server. It sets its own tenant, or may look over all of them. It is called again when its
        connection has died, so it does nothing twice.
        """
        return await self._functions.fetch(calling(function, len(values)), *values)

    @asynccontextmanager
    async def without_tenant(self) -> AsyncIterator[AsyncConnection]:
        """Single statements of no tenant: they see no tenant's rows."""
        async with self._connection(ANY_ANSWER, NOBODY) as connection:
            yield connection

    def batch_look_up(self, function: str, *, key: str) -> Batcher[list[bytes], asyncpg.Record | None]:
        """Looks up the row of the first of some keys that has one, with one query for all who ask in the same moment.

        The function finds the rows of many keys; its column `key` says whose row it is.
        """

        async def first_of_each(asked: list[list[bytes]]) -> list[asyncpg.Record | None]:
            rows = await self._find_keys(function, list({one for keys in asked for one in keys}))
            found = {row[key]: row for row in rows}
            return [next((found[one] for one in keys if one in found), None) for keys in asked]

        return Batcher(first_of_each, most=ASKERS_MAX, name=function, silence=DatabaseUnavailable)

    async def ping(self) -> None:
        """Raises DatabaseUnavailable when the server does not answer."""
        async with self.without_tenant():
            pass

    async def aclose(self) -> None:
        await self._key_connection.aclose()
        await self._functions.aclose()
        await self._engine.dispose()

    async def _find_keys(self, function: str, keys: list[bytes]) -> Sequence[asyncpg.Record]:
        return await self._key_connection.fetch(calling(function, 1), keys)

    @asynccontextmanager
    async def _connection(self, first: str, tenant_id: UUID) -> AsyncIterator[AsyncConnection]:
        """A connection on which the server has answered the message `first`."""
        async with mapped(), self._permits.taken(tenant_id):
            connection = await self._opened(first)
            try:
                yield connection
            finally:
                await connection.close()

    async def _opened(self, first: str) -> AsyncConnection:
        try:
            return await self._open(first)
        except DEAD:
            # A pooled connection that died with a restarted server: nothing was done on it yet.
            await self._engine.dispose()
        try:
            return await self._open(first)
        except DEAD as error:
            raise unavailable() from error

    async def _open(self, first: str) -> AsyncConnection:
        connection = await self._autocommit.connect()
        try:
            await (await driver_of(connection)).execute(first)
        except BaseException:
            await cut(connection)
            await connection.close()
            raise
        return connection


def _beginning(tenant_id: UUID) -> str:
    """Begins a tenant's transaction in one message: in two, a transaction of three statements would take five.

    A message of several statements takes no parameters. The text of a UUID is nothing but hexadecimal digits.
    """
    return f"BEGIN; SET LOCAL neo.tenant_id = '{UUID(bytes=tenant_id.bytes)}'"


def _refuse_used(driver: Any, *_: object) -> None:
    """Nobody is handed a connection that is still in somebody's transaction."""
    if driver.driver_connection.is_in_transaction():
        raise DisconnectionError("A transaction was left open.")
