from collections.abc import AsyncIterator

import httpx2
import pytest

from api.stage import calling, small_app


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with calling(small_app()) as http:
        yield http
