import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest
from hypothesis import HealthCheck, settings

from support.azurite import Azurite, running_azurite
from support.by_address import GIVEN_KEY, GIVEN_URL, leave_out_what_needs_more
from support.client import Client
from support.counting import CountingDatabase
from support.issuer import Issuer, issuer_running
from support.people import People
from support.rows import Rows
from support.scripted_mcp import ScriptedMcp, Stage, scripted_mcp_running
from support.server import Server
from support.side_by_side import SharedOut, longest_first

# What is slow here is the machine, which runs engines beside the tests.
settings.register_profile(
    "neo",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    # Each run of CI tries others.
    max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "40")),
)
settings.load_profile("neo")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if GIVEN_URL:
        leave_out_what_needs_more(items)
    if hasattr(config, "workerinput"):
        longest_first(items)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> SharedOut:
    return SharedOut(config, log)


@pytest.fixture(scope="session")
def identity() -> Iterator[Issuer]:
    """The identity provider that the server of the journeys believes."""
    with issuer_running() as issuer:
        yield issuer


@pytest.fixture(scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory, identity: Issuer) -> AsyncIterator[Server]:
    """One `neo serve` for all journeys, with the scripted model and no rate limit; or the server at NEO_TEST_URL."""
    if GIVEN_URL:
        yield Server(Path(), given_url=GIVEN_URL, api_key=GIVEN_KEY)
        return
    data: Path = tmp_path_factory.mktemp("neo") / "data"
    server = await Server(data, identity.environment(), has_scripted_mcp=True).start()
    yield server
    await server.stop()
    server.remove()


@pytest.fixture(scope="session")
async def scripted_mcp() -> AsyncIterator[ScriptedMcp]:
    async with scripted_mcp_running() as running:
        yield running


@pytest.fixture
def stage(scripted_mcp: ScriptedMcp) -> Stage:
    """A stage of the scripted MCP server for one test."""
    return scripted_mcp.stage()


@pytest.fixture
async def served_mcp(server: Server) -> AsyncIterator[ScriptedMcp]:
    """The scripted MCP server that the server's own agents reach."""
    async with httpx2.AsyncClient(trust_env=False, verify=False, timeout=20) as http:
        yield ScriptedMcp(server.addresses.scripted_mcp_url.removesuffix("/mcp"), http)


@pytest.fixture
def served_stage(served_mcp: ScriptedMcp) -> Stage:
    """A stage of it for one test."""
    return served_mcp.stage()


@pytest.fixture(scope="session")
async def rows(server: Server) -> AsyncIterator[Rows]:
    rows = Rows(server)
    yield rows
    await rows.aclose()


@pytest.fixture
async def database(server: Server) -> AsyncIterator[CountingDatabase]:
    """The server's database, which says what a test asked of it."""
    database = CountingDatabase(server.addresses.database_url)
    yield database
    await database.aclose()


@pytest.fixture(scope="session")
async def people(server: Server, rows: Rows, identity: Issuer) -> AsyncIterator[People]:
    """Dashboard users of any tenant and role."""
    people = People(server.url, rows, identity)
    yield people
    await people.aclose()


@pytest.fixture(scope="session")
async def client(server: Server) -> AsyncIterator[Client]:
    """The first tenant's service account."""
    client = Client(server.url, server.api_key)
    yield client
    await client.http.aclose()


@pytest.fixture(scope="session")
async def scripted(server: Server) -> AsyncIterator[httpx2.AsyncClient]:
    """The scripted model's control routes."""
    url = server.addresses.scripted_model_url.removesuffix("/v1")
    async with httpx2.AsyncClient(base_url=url, timeout=10, trust_env=False, verify=False) as http:
        yield http


@pytest.fixture(scope="session")
async def azurite() -> AsyncIterator[Azurite]:
    """Azure Blob Storage's emulator."""
    async with running_azurite() as azurite:
        yield azurite
