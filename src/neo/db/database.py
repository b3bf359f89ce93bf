import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from neo.errors import Failure, Kind
from neo.telemetry import engine_metrics

# A request that cannot have a connection within a second is better refused than queued (503, Retry-After).
POOL_WAIT_SECONDS = 1.0
CONNECT_SECONDS = 2.0
# A statement of ours takes milliseconds; one that takes this long is stuck behind a lock.
STATEMENT_SECONDS = 30
LOCK_WAIT_SECONDS = 5
RETRY_AFTER_SECONDS = 2

# Only ever formatted with a UUID.
BEGIN = "BEGIN; SET LOCAL neo.tenant_id = '{tenant_id}'"
# What PostgreSQL says while it starts, stops, is out of connections, or is not set up yet.
UNAVAILABLE_STATES = ("57P", "53", "08", "55P03", "40P01", "3D000", "28")


# How the driver itself says that a connection has died.
DEAD = (
    asyncpg.InterfaceError,
    # The server's farewell is read, and the end of the connection not yet.
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
)


class DatabaseUnavailable(Failure):
    """PostgreSQL does not answer, or went away while it was asked: whether it stored anything is not known."""

    kind = Kind.UNAVAILABLE
    code = "database_unavailable"
    remedy = "Try again after `Retry-After`."


class Database:
    """Opens transactions, each for one tenant. Nothing else commits or rolls back."""

    def __init__(self, url: str, *, connections_max: int = 20) -> None:
        self._engine = create_async_engine(
            url,
            pool_size=connections_max,
            max_overflow=0,
            # What people say to each other must not reach a log by way of a failed statement.
            hide_parameters=True,
            pool_timeout=POOL_WAIT_SECONDS,
            connect_args={
                "timeout": CONNECT_SECONDS,
                "server_settings": {
                    "application_name": "neo",
                    "jit": "off",
                    "statement_timeout": str(STATEMENT_SECONDS * 1000),
                    "lock_timeout": str(LOCK_WAIT_SECONDS * 1000),
                },
            },
        )

        # Transactions are begun and ended here, in as few messages as they need; the library begins none.
        self._autocommit: AsyncEngine = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        event.listen(self._engine.sync_engine, "checkout", _refuse_used)

    @asynccontextmanager
    async def transaction(self, tenant_id: UUID) -> AsyncIterator[AsyncSession]:
        """One transaction that sees one tenant; commits at the end, rolls back on any error."""
        async with _mapped():
            connection = await self._begun(tenant_id)
            try:
                session = AsyncSession(connection, expire_on_commit=False, autoflush=False)
                try:
                    yield session
                    await session.flush()
                    await _end(connection, "COMMIT")
                except BaseException:
                    await _give_up(connection)
                    raise
                finally:
                    await session.close()
            finally:
                await connection.close()

    @asynccontextmanager
    async def without_tenant(self) -> AsyncIterator[AsyncConnection]:
        """Single statements of no tenant: they see no tenant's rows and may call the listed look-ups."""
        asked = time.perf_counter()
        async with _mapped(), self._autocommit.connect() as connection:
            engine_metrics.pool_waited(time.perf_counter() - asked)
            yield connection

    async def look_up(self, query: str, *values: object) -> Sequence[asyncpg.Record]:
        """The rows of a listed look-up, through the driver itself: every request waits for one of them."""
        async with _mapped():
            try:
                return await self._looked_up(query, values)
            except DEAD:
                # A restarted server has closed all that the pool holds.
                await self._engine.dispose()
            try:
                return await self._looked_up(query, values)
            except DEAD as error:
                raise _unavailable() from error

    async def _looked_up(self, query: str, values: tuple[object, ...]) -> Sequence[asyncpg.Record]:
        asked = time.perf_counter()
        async with self._autocommit.connect() as connection:
            engine_metrics.pool_waited(time.perf_counter() - asked)
            try:
                found: Sequence[asyncpg.Record] = await (await driver_of(connection)).fetch(query, *values)
            except DEAD:
                await connection.invalidate()
                raise
        return found

    async def ping(self) -> None:
        async with self.without_tenant() as connection:
            await connection.execute(text("SELECT 1"))

    async def aclose(self) -> None:
        await self._engine.dispose()

    async def _begun(self, tenant_id: UUID) -> AsyncConnection:
        try:
            return await self._open(tenant_id)
        except DEAD:
            # A pooled connection that died with a restarted server: nothing was done on it yet.
            await self._engine.dispose()
        try:
            return await self._open(tenant_id)
        except DEAD as error:
            raise _unavailable() from error

    async def _open(self, tenant_id: UUID) -> AsyncConnection:
        asked = time.perf_counter()
        connection = await self._autocommit.connect()
        engine_metrics.pool_waited(time.perf_counter() - asked)
        try:
            # In one message: a transaction of three statements would else take five.
            await (await driver_of(connection)).execute(BEGIN.format(tenant_id=tenant_id))
        except BaseException:
            await connection.invalidate()
            await connection.close()
            raise
        return connection


async def fetch(db: AsyncSession, query: str, *values: object) -> Sequence[asyncpg.Record]:
    """The rows of a hot statement of this transaction, through the driver itself: a third of the time."""
    found: Sequence[asyncpg.Record] = await (await driver_of(await db.connection())).fetch(query, *values)
    return found


async def driver_of(connection: AsyncConnection) -> Any:
    """The driver's own connection, of asyncpg."""
    driver = (await connection.get_raw_connection()).driver_connection
    if driver is None:
        raise _unavailable()
    return driver


async def _end(connection: AsyncConnection, statement: str) -> None:
    try:
        done = await (await driver_of(connection)).execute(statement)
    except DEAD as error:
        raise _unavailable() from error
    if done != statement:
        raise RuntimeError("A statement of this transaction had failed, so nothing of it was kept.")


async def _give_up(connection: AsyncConnection) -> None:
    """Roll back; a connection that cannot is never used again, for it still has its tenant."""
    try:
        await _end(connection, "ROLLBACK")
    except Exception:  # noqa: BLE001 - why the transaction failed is what the caller wants to know.
        await connection.invalidate()
    except BaseException:
        await connection.invalidate()
        raise


def _refuse_used(driver: Any, *_: object) -> None:
    """Nobody is handed a connection that is still in somebody's transaction."""
    if driver.driver_connection.is_in_transaction():
        raise DisconnectionError("A transaction was left open.")


@asynccontextmanager
async def _mapped() -> AsyncIterator[None]:
    try:
        yield
    except (OSError, TimeoutError, PoolTimeout, InterfaceError, OperationalError, *DEAD) as error:
        raise _unavailable() from error
    except (DBAPIError, asyncpg.PostgresError) as error:
        # A connection that cannot be opened fails with the driver's own error, not with SQLAlchemy's.
        is_cut = isinstance(error, DBAPIError) and error.connection_invalidated
        state = getattr(getattr(error, "orig", error), "sqlstate", None) or ""
        if is_cut or state.startswith(UNAVAILABLE_STATES):
            raise _unavailable() from error
        raise


def _unavailable() -> DatabaseUnavailable:
    return DatabaseUnavailable(
        # A connection may die with its commit under way, so nothing is said about what was stored.
        "The database cannot be reached: try again, a message with the same `client_message_id`.",
        retry_after_seconds=RETRY_AFTER_SECONDS,
    )
