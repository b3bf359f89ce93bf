"""Brings the database to this version's tables, functions and rights, as the owner's role, in one transaction."""

import asyncio
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from neo.db import sql
from neo.db.driver import driver_of
from neo.errors import Edge, Failure, Kind

HEAD = "0027"
# Of before this one nothing was released.
OLDEST = "0010"
MIGRATIONS = Path(__file__).parent / "migrations"
# Two starts at once must not migrate twice; the number only has to be ours.
LOCK_KEY = 0x4E454F

HAS_VERSION = text("SELECT to_regclass('alembic_version') IS NOT NULL")
STATE = text(
    "SELECT version_num, obj_description('alembic_version'::regclass, 'pg_class') FROM alembic_version"
)


class SchemaNotUpgradable(Failure):
    """The database was made by a version of Neo that this one cannot upgrade from."""

    kind = Kind.UNAVAILABLE
    code = "schema_not_upgradable"
    remedy = "Start the newer Neo that made it; before the first release, begin with a fresh database."
    edges = (Edge.COMMAND_LINE,)


@dataclass(frozen=True)
class SchemaState:
    """What a database has: the version of its tables, and which functions and rights. None before the first."""

    version: str | None = None
    functions: str | None = None

    @property
    def is_current(self) -> bool:
        return (self.version, self.functions) == (HEAD, sql.functions_digest())


async def schema_state(connection: AsyncConnection) -> SchemaState:
    if not await connection.scalar(HAS_VERSION):
        return SchemaState()
    found = (await connection.execute(STATE)).one_or_none()
    return SchemaState(*found) if found else SchemaState()


async def migrate(owner_url: str, app_role: str) -> bool:
    """Apply what is missing and grant the application's role its rights; true when something was applied."""
    engine = create_async_engine(owner_url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
            state = await schema_state(connection)
            if state.is_current:
                return False
            await _bring_tables(connection, state.version)
            await _apply_functions(connection, app_role)
            return True
    finally:
        await engine.dispose()


async def _bring_tables(connection: AsyncConnection, version: str | None) -> None:
    if version == HEAD:
        return
    if version is not None and not OLDEST <= version <= HEAD:
        raise _not_upgradable(version)
    # Alembic is slow to import, and most starts have nothing to apply.
    await asyncio.to_thread(importlib.import_module, "alembic.command")
    if version is None:
        await _run(connection, sql.schema())
        await connection.run_sync(_stamp)
    else:
        # A function whose body is bound would hold on to what a migration changes.
        await _run(connection, sql.drop_functions())
        await connection.run_sync(_upgrade)


async def _apply_functions(connection: AsyncConnection, app_role: str) -> None:
    settings = {"neo.app_role": app_role, "neo.functions_digest": sql.functions_digest()}
    for name, value in settings.items():
        await connection.execute(
            text("SELECT set_config(:name, :value, true)"), {"name": name, "value": value}
        )
    for script in (*sql.functions(), sql.stamp()):
        await _run(connection, script)


async def _run(connection: AsyncConnection, script: str) -> None:
    # The library prepares what it executes, and that takes one statement at a time.
    await (await driver_of(connection)).execute(script)


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - imported in a thread by now.

    command.upgrade(_config(connection), "head")


def _stamp(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - imported in a thread by now.

    command.stamp(_config(connection), "head")


def _config(connection: Connection) -> Any:
    from alembic.config import Config  # noqa: PLC0415 - imported in a thread by now.

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("recursive_version_locations", "true")
    config.attributes["connection"] = connection
    return config


def _not_upgradable(version: str) -> SchemaNotUpgradable:
    if version < OLDEST:
        said = "older than any release: begin with a fresh database or data folder"
    else:
        said = f"made by a newer Neo than this one ({HEAD}): start that one"
    return SchemaNotUpgradable(f"The database's schema is at {version}, {said}.")
