from collections.abc import AsyncIterator

import pytest

from channels.desk import Desk
from support.rows import Rows
from support.server import Server


@pytest.fixture
async def desk(server: Server, rows: Rows) -> AsyncIterator[Desk]:
    desk = await Desk.open(server, rows)
    yield desk
    await desk.aclose()


@pytest.fixture
async def other(server: Server, rows: Rows) -> AsyncIterator[Desk]:
    """Another tenant."""
    desk = await Desk.open(server, rows)
    yield desk
    await desk.aclose()
