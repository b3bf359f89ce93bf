"""The schema goes up once, the code knows which version is the newest, and what cannot be upgraded is said so."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text

from neo.db import Database, DatabaseUnavailable, SchemaOutdated, check_role, check_schema
from neo.db.migrate import HEAD, MIGRATIONS, OLDEST, SchemaNotUpgradable, migrate
from neo.engines.addresses import Addresses
from neo.engines.data_folder.layout import locked
from neo.engines.postgres.home import discard_home
from neo.engines.stack import engines_up

APP = "neo_app"
# As another version would have left it: a function and a type too many, another signature, other rights.
CHANGED = (
    "CREATE FUNCTION neo_stray() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE TYPE neo_strays AS (id integer)",
    "DROP FUNCTION neo_find_api_keys",
    "CREATE FUNCTION neo_find_api_keys(digest text) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "COMMENT ON TABLE alembic_version IS 'another'",
)
HOW_IT_IS = """
SELECT to_regproc('neo_stray'), to_regtype('neo_strays'),
       (SELECT pg_get_function_identity_arguments(oid) FROM pg_proc WHERE proname = 'neo_find_api_keys'),
       has_function_privilege('public', 'neo_find_api_keys(bytea[])', 'EXECUTE'),
       has_function_privilege('neo_app', 'neo_find_api_keys(bytea[])', 'EXECUTE')
"""


@pytest.fixture
async def fresh(tmp_path: Path) -> AsyncIterator[Addresses]:
    async with engines_up(tmp_path / "data", parts=("postgres",)) as addresses:
        yield addresses
    with locked(tmp_path / "data") as folder:
        discard_home(folder)


def test_the_migrations_lead_from_the_oldest_version_to_the_newest() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS), recursive_version_locations=True)

    assert scripts.get_current_head() == HEAD
    assert scripts.get_base() == OLDEST


async def test_a_fresh_database_goes_up_once(fresh: Addresses) -> None:
    app = Database(fresh.database_url, connections_max=1)
    with pytest.raises(SchemaOutdated):
        await check_schema(app)

    assert await migrate(fresh.database_owner_url, APP)
    assert not await migrate(fresh.database_owner_url, APP)

    await check_schema(app)
    await check_role(app)
    await app.aclose()


async def test_functions_are_applied_whole(fresh: Addresses) -> None:
    await migrate(fresh.database_owner_url, APP)
    owner = Database(fresh.database_owner_url, connections_max=2)
    async with owner.without_tenant() as connection:
        for statement in CHANGED:
            await connection.execute(text(statement))
    with pytest.raises(SchemaOutdated):
        await check_schema(owner)

    assert await migrate(fresh.database_owner_url, APP)

    async with owner.without_tenant() as connection:
        assert (await connection.execute(text(HOW_IT_IS))).one() == (
            None,
            None,
            "digests bytea[]",
            False,
            True,
        )
    await owner.aclose()


@pytest.mark.parametrize(("version", "said"), [("0009", "begin with a fresh"), ("0999", "a newer Neo")])
async def test_another_versions_schema_is_refused_and_left_as_it_is(
    fresh: Addresses, version: str, said: str
) -> None:
    await migrate(fresh.database_owner_url, APP)
    owner = Database(fresh.database_owner_url, connections_max=1)
    async with owner.without_tenant() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": version})

    with pytest.raises(SchemaNotUpgradable, match=said) as refused:
        await migrate(fresh.database_owner_url, APP)

    assert "\n" not in refused.value.message
    async with owner.without_tenant() as connection:
        assert await connection.scalar(text("SELECT version_num FROM alembic_version")) == version
    await owner.aclose()


async def test_two_starts_at_once_migrate_once(fresh: Addresses) -> None:
    applied = await asyncio.gather(*(migrate(fresh.database_owner_url, APP) for _ in range(3)))

    assert sorted(applied) == [False, False, True]


async def test_a_database_that_is_away_is_unavailable_and_nothing_else() -> None:
    for url in ("postgresql+asyncpg://neo_app@/neo?host=/nowhere", "postgresql+asyncpg://a@127.0.0.1:1/b"):
        database = Database(url)
        with pytest.raises(DatabaseUnavailable):
            await database.ping()
        await database.aclose()
