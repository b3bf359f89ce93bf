"""Brings the schema to the newest version, as the owner's role."""

import asyncio
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

HEAD = "0010"
MIGRATIONS = Path(__file__).parent / "migrations"
# Two starts at once must not migrate twice; the number only has to be ours.
LOCK_KEY = 0x4E454F


async def migrate(owner_url: str, app_role: str) -> bool:
    """Apply what is missing and grant the application's role its rights; true when something was applied."""
    engine = create_async_engine(owner_url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK_KEY})
            # The lock is the connection's, so an open transaction would only hold back the migration's own.
            await connection.commit()
            if await current(connection) == HEAD:
                return False
            await asyncio.to_thread(_upgrade, owner_url, app_role)
            return True
    finally:
        await engine.dispose()


async def current(connection: AsyncConnection) -> str | None:
    """The version the database is at; None before the first migration."""
    try:
        found = await connection.scalar(text("SELECT version_num FROM alembic_version"))
    except ProgrammingError:
        await connection.rollback()
        return None
    await connection.rollback()
    return str(found) if found else None


def _upgrade(owner_url: str, app_role: str) -> None:
    # Alembic is slow to import, and most starts have nothing to apply.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["owner_url"] = owner_url
    config.attributes["app_role"] = app_role
    command.upgrade(config, "head")
