"""The schema goes up, down and up again, and the code knows which version is the newest."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text

from neo.db import Database, DatabaseUnavailable, SchemaOutdated, check_schema
from neo.db.migrate import HEAD, MIGRATIONS, migrate
from neo.engines.addresses import Addresses
from neo.engines.data_folder.layout import locked
from neo.engines.postgres.home import discard_home
from neo.engines.stack import engines_up

APP = "neo_app"
TABLES = text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'")


@pytest.fixture
async def fresh(tmp_path: Path) -> AsyncIterator[Addresses]:
    async with engines_up(tmp_path / "data", parts=("postgres",)) as addresses:
        yield addresses
    with locked(tmp_path / "data") as folder:
        discard_home(folder)


def config(owner_url: str) -> Config:
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    made.attributes.update(owner_url=owner_url, app_role=APP)
    return made


def test_the_head_is_the_newest_migration() -> None:
    assert ScriptDirectory.from_config(config("")).get_current_head() == HEAD


async def test_up_down_and_up_again(fresh: Addresses) -> None:
    owner = Database(fresh.database_owner_url, connections_max=1)
    with pytest.raises(SchemaOutdated):
        await check_schema(owner)

    assert await migrate(fresh.database_owner_url, APP)
    assert not await migrate(fresh.database_owner_url, APP)
    await check_schema(owner)
    await asyncio.to_thread(command.downgrade, config(fresh.database_owner_url), "base")
    async with owner.without_tenant() as connection:
        assert await connection.scalar(TABLES) == 0
    assert await migrate(fresh.database_owner_url, APP)

    app = Database(fresh.database_url, connections_max=1)
    await check_schema(app)
    for database in (owner, app):
        await database.aclose()


async def test_two_starts_at_once_migrate_once(fresh: Addresses) -> None:
    applied = await asyncio.gather(*(migrate(fresh.database_owner_url, APP) for _ in range(3)))

    assert sorted(applied) == [False, False, True]


async def test_a_database_that_is_away_is_unavailable_and_nothing_else() -> None:
    for url in ("postgresql+asyncpg://neo_app@/neo?host=/nowhere", "postgresql+asyncpg://a@127.0.0.1:1/b"):
        database = Database(url)
        with pytest.raises(DatabaseUnavailable):
            await database.ping()
        await database.aclose()
