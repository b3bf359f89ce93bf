from collections.abc import AsyncIterator

import pytest

from support.beside import api_beside
from support.rows import Rows
from support.server import Server

LIMIT = 10
ORIGIN = "https://app.example"
# The server believes this machine's second address and nobody else: the tests speak from both.
PROXY = "127.0.0.2"


@pytest.fixture(scope="session")
async def limited(server: Server, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server behind a proxy that it trusts, with narrow limits and a dashboard on another origin."""
    environment = {
        "NEO_FAILED_ATTEMPTS": "",
        "NEO_RATE_LIMIT_REQUESTS": str(LIMIT),
        "NEO_TRUSTED_PROXIES": PROXY,
        "NEO_CORS_ORIGINS": f"{ORIGIN}, https://other.example",
    }
    async with api_beside(server, tmp_path_factory.mktemp("limited") / "api.log", environment) as limited:
        yield limited


@pytest.fixture
async def limited_rows(limited: Server) -> AsyncIterator[Rows]:
    """Of that server: each test asks as a tenant of its own, because limits are the tenant's."""
    rows = Rows(limited)
    yield rows
    await rows.aclose()
