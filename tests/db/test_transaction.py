"""A transaction ends with its block, whatever ends the block, and nobody meets it again."""

import asyncio
import contextlib
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from neo.db import Database
from support.rows import Rows
from support.server import Server

NAME = text("UPDATE tenants SET name = :name WHERE id = :id")
SEEN = text("SELECT name FROM tenants WHERE id = :id")
TENANT = "SELECT current_setting('neo.tenant_id', true) AS tenant, pg_current_xact_id_if_assigned() AS writes"


@pytest.fixture
async def narrow(server: Server) -> Database:
    """One connection, so that the next one to ask gets the same."""
    return Database(server.addresses.database_url, connections_max=1)


async def named(database: Database, tenant_id: UUID) -> str:
    async with database.transaction(tenant_id) as db:
        return str(await db.scalar(SEEN, {"id": tenant_id}))


async def test_an_error_takes_everything_back_and_leaves_no_tenant_behind(
    narrow: Database, rows: Rows
) -> None:
    tenant = await rows.tenant("before")

    with pytest.raises(KeyError):
        async with narrow.transaction(tenant.id) as db:
            await db.execute(NAME, {"name": "after", "id": tenant.id})
            raise KeyError

    [row] = await narrow._functions.fetch(TENANT)
    assert (row["tenant"] or "", row["writes"]) == ("", None)
    assert await named(narrow, tenant.id) == "before"
    await narrow.aclose()


async def test_a_cancel_in_mid_statement_does_the_same(narrow: Database, rows: Rows) -> None:
    tenant = await rows.tenant("before")

    async def slow() -> None:
        async with narrow.transaction(tenant.id) as db:
            await db.execute(NAME, {"name": "after", "id": tenant.id})
            await db.execute(text("SELECT pg_sleep(30)"))

    task = asyncio.create_task(slow())
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    [row] = await narrow._functions.fetch(TENANT)
    assert (row["tenant"] or "", row["writes"]) == ("", None)
    assert await named(narrow, tenant.id) == "before"
    await narrow.aclose()


async def test_a_statement_that_failed_is_not_passed_over(narrow: Database, rows: Rows) -> None:
    tenant = await rows.tenant("before")

    with pytest.raises(RuntimeError, match="nothing of it was kept"):
        async with narrow.transaction(tenant.id) as db:
            await db.execute(NAME, {"name": "after", "id": tenant.id})
            with contextlib.suppress(DBAPIError):
                await db.execute(text("SELECT 1 / 0"))

    assert await named(narrow, tenant.id) == "before"
    await narrow.aclose()


async def test_a_connection_that_was_left_in_a_transaction_is_not_handed_out(
    narrow: Database, rows: Rows
) -> None:
    tenant = await rows.tenant("before")
    async with narrow.without_tenant() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        await driver.execute(f"BEGIN; SET LOCAL neo.tenant_id = '{tenant.id}'")

    [row] = await narrow._functions.fetch(TENANT)

    assert (row["tenant"] or "") == ""
    await narrow.aclose()
