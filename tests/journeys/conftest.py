from collections.abc import AsyncIterator, Iterator

import pytest

from support.collector import Collector, collector_running
from support.issuer import Issuer
from support.ports import free_port
from support.server import Server

# What a stop waits for: three seconds, and two in which the others claim what is handed over.
DRAIN_SECONDS = "5"


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    with collector_running() as collector:
        yield collector


@pytest.fixture(scope="session")
async def own(
    tmp_path_factory: pytest.TempPathFactory, identity: Issuer, collector: Collector
) -> AsyncIterator[Server]:
    """A server to be broken, killed and stopped, which runs again after each test.

    It is traced, and its identity provider cannot be reached.
    """
    nobody = f"http://127.0.0.1:{free_port()}/common/v2.0/.well-known/openid-configuration"
    environment = {
        **identity.environment(),
        "NEO_ENTRA_METADATA_URL": nobody,
        "NEO_DRAIN_SECONDS": DRAIN_SECONDS,
        "NEO_MODEL_FAST": "scripted:echo",
        "NEO_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    server = await Server(tmp_path_factory.mktemp("own") / "data", environment).start()
    yield server
    await server.stop()
    server.remove()
