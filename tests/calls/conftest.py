from collections.abc import AsyncIterator

import pytest

from calls.desk import Desk
from support.client import Client
from support.rows import Rows, Tenant
from support.scripted_mcp import Stage
from support.server import Server


@pytest.fixture
async def tenant(rows: Rows) -> Tenant:
    return await rows.tenant("A tenant whose agents act")


@pytest.fixture
async def desk(server: Server, tenant: Tenant, served_stage: Stage) -> AsyncIterator[Desk]:
    client = Client(server.url, tenant.api_key)
    yield await Desk.open(client, served_stage)
    await client.http.aclose()
