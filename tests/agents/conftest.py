from collections.abc import AsyncIterator

import pytest

from support.client import Client
from support.rows import Rows, Tenant
from support.server import Server


@pytest.fixture
async def tenant(rows: Rows) -> Tenant:
    """A tenant that nothing was done in."""
    return await rows.tenant("A tenant with agents")


@pytest.fixture
async def own(server: Server, tenant: Tenant) -> AsyncIterator[Client]:
    """Its service account."""
    client = Client(server.url, tenant.api_key)
    yield client
    await client.http.aclose()


@pytest.fixture
async def other(server: Server, rows: Rows) -> AsyncIterator[Client]:
    """Another tenant's service account."""
    client = Client(server.url, (await rows.tenant()).api_key)
    yield client
    await client.http.aclose()
