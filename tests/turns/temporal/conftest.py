from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client

from neo.engines.stack import engines_up


@pytest.fixture(scope="session")
async def temporal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    """Temporal alone: no worker takes what is started."""
    async with engines_up(tmp_path_factory.mktemp("temporal") / "data", parts=("temporal",)) as addresses:
        yield await Client.connect(addresses.temporal_address)
