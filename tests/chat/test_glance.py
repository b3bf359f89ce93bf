"""A look that many share gives each what is theirs, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from neo.chat.glance import Glances
from support.client import Client
from support.counting import CountingDatabase
from support.rows import Rows, Tenant
from support.server import Server


@pytest.fixture
async def database(server: Server) -> AsyncIterator[CountingDatabase]:
    database = CountingDatabase(server.addresses.database_url)
    yield database
    await database.aclose()


async def test_who_asks_for_anothers_session_gets_nothing_though_its_owner_asks_at_once(
    rows: Rows, server: Server, database: CountingDatabase
) -> None:
    one, other = await rows.tenant(), await rows.tenant()
    mine, theirs = await opened(server, one), await opened(server, other)
    glances = Glances(database)

    first = asyncio.create_task(glances.of(one.id, mine))
    await asyncio.sleep(0)
    together = await asyncio.gather(
        glances.of(other.id, theirs),
        glances.of(one.id, theirs),
        glances.of(other.id, mine),
        glances.of(one.id, mine),
    )

    assert [glance.id if glance else None for glance in (await first, *together)] == [
        mine,
        theirs,
        None,
        None,
        mine,
    ]


async def opened(server: Server, tenant: Tenant) -> UUID:
    client = Client(server.url, tenant.api_key)
    session = UUID(await client.open())
    await client.http.aclose()
    return session
