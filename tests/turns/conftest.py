from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from sqlalchemy import text

from neo.db import Database
from neo.db.migrate import migrate
from neo.engines.data_folder.layout import locked
from neo.engines.postgres.home import discard_home
from neo.engines.stack import engines_up
from neo.streams import Valkey
from turns.stage import Stage


@dataclass
class Engines:
    database: Database
    owner: Database
    valkey: Valkey


@pytest.fixture(scope="session")
async def engines(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engines]:
    """PostgreSQL and Valkey alone: nobody sweeps or drives the turns that a test writes."""
    folder = tmp_path_factory.mktemp("turns") / "data"
    async with engines_up(folder, parts=("postgres", "valkey")) as addresses:
        await migrate(addresses.database_owner_url, "neo_app")
        database = Database(addresses.database_url, connections_max=8)
        owner = Database(addresses.database_owner_url, connections_max=2)
        valkey = Valkey(addresses.redis_url)
        yield Engines(database, owner, valkey)
        await valkey.aclose()
        await owner.aclose()
        await database.aclose()
    with locked(folder) as kept:
        discard_home(kept)


@pytest.fixture
async def stage(engines: Engines) -> Stage:
    """A session of a new tenant."""
    return await Stage.open(engines.database, engines.valkey)


@pytest.fixture
async def alone(engines: Engines) -> None:
    """Nothing that another test left can be claimed."""
    async with engines.owner.without_tenant() as owner:
        await owner.execute(text("UPDATE chat_turns SET claimable_at = NULL, lease_id = NULL"))
