from collections.abc import AsyncIterator

import pytest

from support.azurite import Azurite, running_azurite


@pytest.fixture(scope="session")
async def azurite() -> AsyncIterator[Azurite]:
    async with running_azurite() as azurite:
        yield azurite
