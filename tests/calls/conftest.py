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
async def caller(server: Server, tenant: Tenant) -> AsyncIterator[Client]:
    """That tenant's."""
    caller = Client(server.url, tenant.api_key)
    yield caller
    await caller.http.aclose()


@pytest.fixture
async def desk(caller: Client, served_stage: Stage) -> Desk:
    return await Desk.open(caller, served_stage)
