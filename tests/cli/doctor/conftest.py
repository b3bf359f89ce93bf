from collections.abc import AsyncIterator

import pytest

from cli.doctor.ward import Ward, ward_at


@pytest.fixture(scope="session")
async def ward(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ward]:
    async with ward_at(tmp_path_factory.mktemp("ward") / "data") as found:
        yield found
