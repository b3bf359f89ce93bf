from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from sqlalchemy import text

from neo.db import Database
from neo.db.migrate import migrate
from neo.engines.data_folder.layout import locked
from neo.engines.postgres.home import discard_home
from neo.engines.stack import engines_up
from neo.llm import Models, ModelSpec, ProviderSettings
from neo.streams import Valkey
from turns.driving import Process
from turns.stage import MODEL, Stage


@dataclass
class Engines:
    database: Database
    owner: Database
    valkey: Valkey
    models: Models
    scripted_url: str
    url: str


@pytest.fixture(scope="session")
async def engines(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engines]:
    """PostgreSQL, Valkey and the scripted model alone: nobody sweeps or drives the turns that a test writes."""
    folder = tmp_path_factory.mktemp("turns") / "data"
    async with engines_up(folder, "scripted", parts=("postgres", "valkey")) as addresses:
        await migrate(addresses.database_owner_url, "neo_app")
        database = Database(addresses.database_url, connections_max=8)
        owner = Database(addresses.database_owner_url, connections_max=2)
        valkey = Valkey(addresses.redis_url)
        spec = ModelSpec.parse(MODEL)
        models = Models(spec, spec, ProviderSettings(scripted_model_url=addresses.scripted_model_url))
        yield Engines(database, owner, valkey, models, addresses.scripted_model_url, addresses.database_url)
        await models.aclose()
        await valkey.aclose()
        await owner.aclose()
        await database.aclose()
    with locked(folder) as kept:
        discard_home(kept)


@pytest.fixture
async def stage(engines: Engines) -> Stage:
    """A session of a new tenant."""
    return await Stage.open(engines.database, engines.owner, engines.valkey)


@pytest.fixture
async def alone(engines: Engines) -> None:
    """Nothing that another test left can be claimed."""
    async with engines.owner.without_tenant() as owner:
        await owner.execute(text("UPDATE chat_turns SET claimable_at = NULL, lease_id = NULL"))


@pytest.fixture
async def process(engines: Engines) -> AsyncIterator[Process]:
    """It drives turns, once it is told to."""
    process = Process(engines.database, engines.valkey, engines.models)
    yield process
    await process.aclose()
