"""A function that sets its own tenant leaves none behind, and serves no other."""

import asyncio
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from neo.db import Database, DatabaseUnavailable
from support.client import Client
from support.rows import Rows
from support.server import Server

LEFT = "SELECT current_setting('neo.tenant_id', true) AS tenant, pg_backend_pid() AS backend"
END_OTHERS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE usename = current_user AND pid <> pg_backend_pid() AND application_name = 'neo'"
)


@pytest.fixture
async def narrow(server: Server) -> Database:
    """One connection is kept for functions, so that the next one to call gets the same."""
    return Database(server.addresses.database_url, connections_max=4)


async def test_a_call_leaves_no_tenant_on_its_connection(narrow: Database, rows: Rows) -> None:
    tenant = await rows.tenant()

    await narrow.call("neo_tail_snapshots", tenant.id, [uuid4()])
    [row] = await narrow._functions.fetch(LEFT)

    assert (row["tenant"] or "") == ""
    await narrow.aclose()


async def test_what_a_call_is_for_another_tenants_is_not_found(
    narrow: Database, client: Client, rows: Rows
) -> None:
    session = await client.open(agent_id=await rows.agent("scripted:tokens=100,delay_ms=50"))
    turn_id = UUID((await client.say(session, "Hello"))["chat_turn_id"])
    other = await rows.tenant()
    before = await client.turn(session, str(turn_id))

    assert await narrow.call("neo_tail_snapshots", other.id, [UUID(session)]) == []
    for claim in range(3):
        assert await narrow.call("neo_next_claim", other.id, turn_id, uuid4(), 1, claim) == []
        ended = (UUID(session), turn_id, 1, claim, "FAILED", None, "{}", None, None)
        assert await narrow.call("neo_end_turn", other.id, *ended) == []

    assert (await client.turn(session, str(turn_id)))["status"] == before["status"]
    await narrow.aclose()


async def test_calls_take_no_more_connections_than_are_kept(server: Server) -> None:
    database = Database(server.addresses.database_url, connections_max=8)

    async def slow() -> int:
        [row] = await database._functions.fetch("SELECT pg_backend_pid() AS backend, pg_sleep(0.02)")
        return int(row["backend"])

    at_once = set(await asyncio.gather(*(slow() for _ in range(20))))
    one_by_one = {await slow() for _ in range(5)}

    # One may have answered all before the other was open.
    assert len(at_once) <= 2
    assert len(one_by_one) == 1
    await database.aclose()


async def test_a_call_goes_on_when_its_connection_was_closed(narrow: Database, rows: Rows) -> None:
    tenant = await rows.tenant()
    await narrow.call("neo_tail_snapshots", tenant.id, [uuid4()])
    async with narrow.without_tenant() as connection:
        await connection.execute(END_OTHERS)

    assert await narrow.call("neo_tail_snapshots", tenant.id, [uuid4()]) == []
    await narrow.aclose()


async def test_a_call_that_is_given_up_gives_its_connection_back(narrow: Database, rows: Rows) -> None:
    tenant = await rows.tenant()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await narrow._functions.fetch("SELECT pg_sleep(30)")

    assert await narrow.call("neo_tail_snapshots", tenant.id, [uuid4()]) == []
    await narrow.aclose()


async def test_before_its_functions_are_made_a_database_is_unavailable_and_nothing_is_broken(
    narrow: Database,
) -> None:
    with pytest.raises(DatabaseUnavailable):
        await narrow.call("neo_not_made_yet")
    await narrow.aclose()


@pytest.mark.parametrize(
    "values",
    [(["no number"],), (2**70,), (1, 2), tuple(range(40_000))],
    ids=["kind", "size", "count", "many"],
)
async def test_values_that_do_not_fit_are_a_fault_of_ours_and_no_outage(
    narrow: Database, values: tuple[object, ...]
) -> None:
    [before] = await narrow._functions.fetch(LEFT)

    with pytest.raises((asyncpg.InterfaceError, asyncpg.DataError)):
        await narrow._functions.fetch("SELECT $1::bigint", *values)
    with pytest.raises(DBAPIError):
        async with narrow.transaction(uuid4()) as db:
            await (await db.connection()).exec_driver_sql("SELECT $1::bigint", values)

    # The connection that was well is still there.
    [after] = await narrow._functions.fetch(LEFT)
    assert after["backend"] == before["backend"]
    await narrow.aclose()
