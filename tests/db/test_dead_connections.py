"""A restarted server closes all pooled connections, and nobody who asks next notices."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from neo.db import Database
from support.rows import Rows
from support.server import Server

POOLED = 3
CLOSE = text("SELECT pg_terminate_backend(pid) FROM unnest(CAST(:backends AS int[])) AS pid")
BACKEND = text("SELECT pg_backend_pid()")
LEFT = text("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(CAST(:backends AS int[]))")


@pytest.fixture
async def closed(server: Server, rows: Rows) -> AsyncIterator[Database]:
    """A database whose pooled connections have all been closed by the server."""
    database = Database(server.addresses.database_url, connections_max=POOLED + 1)
    everybody_has_one = asyncio.Barrier(POOLED)

    async def backend() -> int:
        async with database.without_tenant() as connection:
            await everybody_has_one.wait()
            return int((await connection.execute(BACKEND)).scalar_one())

    backends = await asyncio.gather(*(backend() for _ in range(POOLED)))
    async with rows.database.without_tenant() as other:
        await other.execute(CLOSE, {"backends": backends})
        while await other.scalar(LEFT, {"backends": backends}):
            await asyncio.sleep(0.01)
    yield database
    await database.aclose()


async def test_a_ping_does_not_say_that_the_server_is_away(closed: Database) -> None:
    await closed.ping()


async def test_a_statement_without_a_tenant_gets_a_live_connection(closed: Database) -> None:
    async with closed.without_tenant() as connection:
        assert await connection.scalar(BACKEND)


async def test_a_transaction_gets_a_live_connection(closed: Database, rows: Rows) -> None:
    tenant = await rows.tenant()

    async with closed.transaction(tenant.id) as db:
        assert await db.scalar(BACKEND)


async def test_a_call_of_a_function_gets_a_live_connection(closed: Database) -> None:
    assert await closed._functions.fetch("SELECT 1")


async def test_a_look_up_of_keys_gets_a_live_connection(closed: Database) -> None:
    assert await closed._key_connection.fetch("SELECT 1")
