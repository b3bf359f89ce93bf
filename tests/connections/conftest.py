from collections.abc import AsyncIterator

import pytest

from neo.connections import Servers
from neo.egress import Egress, Listed


@pytest.fixture(scope="session")
async def egress() -> AsyncIterator[Egress]:
    """The way out of a process whose operator has listed the loopback."""
    egress = Egress(Listed.parse("127.0.0.1/32"))
    yield egress
    await egress.aclose()


@pytest.fixture
def servers(egress: Egress) -> Servers:
    return Servers(egress)
