from collections.abc import AsyncIterator

import pytest

from support.client import Client
from support.rows import Rows
from support.server import Server


@pytest.fixture
async def own(server: Server, rows: Rows) -> AsyncIterator[Client]:
    """A fresh tenant's service account."""
    client = Client(server.url, (await rows.tenant("An own tenant")).api_key)
    yield client
    await client.http.aclose()
