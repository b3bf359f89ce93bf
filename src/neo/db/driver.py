"""The driver below the library, what its errors mean, and how an outage is waited out."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeAlias, TypeVar

import asyncpg
import orjson
import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection

from neo.errors import Edge, Failure, Kind

log = structlog.get_logger()

Driver: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

RETRY_AFTER_SECONDS = 2
# What PostgreSQL says while it starts, stops, is out of connections, or is not set up yet: there is no such database,
# role or function (42883), for its schema is not made, or is that of another version.
UNAVAILABLE_STATES = ("57P", "53", "08", "55P03", "40P01", "3D000", "28", "42883")
# What it says of data that it cannot store: not today, and not when it is asked again.
UNSTORABLE_STATES = ("22", "54")

# How the driver itself says that a connection has died.
DEAD = (
    asyncpg.InterfaceError,
    # The server's farewell is read, and the end of the connection not yet.
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
)
# How it says that a statement's values are wrong: too many, or no list where the server wants one.
MISFITS = ("query argument", "the server expects", "the number of query arguments")
Result = TypeVar("Result")
DATABASE_WAIT_SECONDS = 600.0
DATABASE_RETRY_SECONDS = 0.5


class DatabaseUnavailable(Failure):
    """PostgreSQL does not answer, or went away while it was asked: whether it stored anything is not known."""

    kind = Kind.UNAVAILABLE
    code = "database_unavailable"
    remedy = "Try again after `Retry-After`."


class RecordUnstorable(Failure):
    """What was to be stored of the turn is nothing that can be stored: PostgreSQL refused it. The model is not asked
    again, for it would be paid again and nothing would be stored either.
    """

    kind = Kind.INVALID
    code = "record_not_storable"
    remedy = "Say it differently; the operator finds the reason in the worker's log."
    edges = (Edge.TURN,)

    def __init__(self) -> None:
        super().__init__("The answer cannot be stored. Please say it differently.")


def record_json(value: Any) -> str:
    """The record as a function of the database takes it; raises `RecordUnstorable`."""
    try:
        return orjson.dumps(value, default=str).decode()
    except TypeError as error:
        raise RecordUnstorable from error


@contextmanager
def storing() -> Iterator[None]:
    """Raises `RecordUnstorable` where PostgreSQL refuses the data, which no repetition can help."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        state = getattr(error, "sqlstate", None) or ""
        if state.startswith(UNSTORABLE_STATES) or is_misfit(error):
            log.error("record_not_storable", sqlstate=state, cause=type(error).__name__)  # noqa: TRY400 - the driver's words quote the data.
            raise RecordUnstorable from error
        raise


async def driver_of(connection: AsyncConnection) -> Driver:
    """The driver's own connection, of asyncpg."""
    driver: Driver | None = (await connection.get_raw_connection()).driver_connection
    if driver is None:
        raise unavailable()
    return driver


async def cut(connection: AsyncConnection) -> None:
    """Never use it again. It is closed without a goodbye, for which a frozen server would be waited for."""
    with contextlib.suppress(Exception):
        (await driver_of(connection)).terminate()
    await connection.invalidate()


def is_misfit(error: BaseException) -> bool:
    """Whether the driver refused a statement's values before it sent any: the connection is well, and to ask again is
    no help. It calls this by the name of what it says of a dead connection.
    """
    driver_error = getattr(error, "orig", None) or error
    cause = driver_error.__cause__ if not isinstance(driver_error, asyncpg.InterfaceError) else driver_error
    is_value_wrong = isinstance(cause, ValueError) or str(cause).startswith(MISFITS)
    return isinstance(cause, asyncpg.InterfaceError) and is_value_wrong


@asynccontextmanager
async def mapped() -> AsyncIterator[None]:
    try:
        yield
    except (OSError, TimeoutError, PoolTimeout, InterfaceError, OperationalError, *DEAD) as error:
        if is_misfit(error):
            raise
        raise unavailable() from error
    except (DBAPIError, asyncpg.PostgresError) as error:
        # A connection that cannot be opened fails with the driver's own error, not with SQLAlchemy's.
        is_cut = isinstance(error, DBAPIError) and error.connection_invalidated
        state = getattr(getattr(error, "orig", error), "sqlstate", None) or ""
        if is_cut or state.startswith(UNAVAILABLE_STATES):
            raise unavailable() from error
        raise


def unavailable() -> DatabaseUnavailable:
    return DatabaseUnavailable(
        # A connection may die with its commit under way, so nothing is said about what was stored.
        "The database cannot be reached: try again, a message with the same `client_message_id`.",
        retry_after_seconds=RETRY_AFTER_SECONDS,
    )


async def until_database_answers(transaction: Callable[[], Awaitable[Result]]) -> Result:
    """The transaction's result. It is repeated while PostgreSQL is away, for ten minutes at most."""
    give_up_at = time.monotonic() + DATABASE_WAIT_SECONDS
    is_waiting = False
    while True:
        try:
            return await transaction()
        except DatabaseUnavailable:
            if time.monotonic() > give_up_at:
                raise
            if not is_waiting:
                log.warning("turn_waits_for_database", seconds_most=DATABASE_WAIT_SECONDS)
            is_waiting = True
            await asyncio.sleep(DATABASE_RETRY_SECONDS)
