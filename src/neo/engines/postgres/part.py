"""PostgreSQL as a supervised part: in the foreground, on a Unix socket only, for this user alone."""

import asyncio
import importlib
import signal
from pathlib import Path
from typing import Any
from urllib.parse import quote

from neo.engines.data_folder.layout import DataFolder
from neo.engines.postgres.cluster import APP, OWNER, SUPERUSER, clear_crash, make_cluster, write_settings
from neo.engines.postgres.home import PostgresHome
from neo.engines.processes.child import Command, bare_environment
from neo.engines.processes.probe import POLL_SECONDS
from neo.engines.processes.supervise import Part

DATABASE = "neo"
# A fast shutdown writes one checkpoint; a slow disk is given time for it.
STOP_SECONDS = 30.0
CONNECT_SECONDS = 5.0


def database_url(home: PostgresHome, role: str) -> str:
    return f"postgresql+asyncpg://{role}@/{DATABASE}?host={quote(str(home.sockets))}"


def postgres_part(folder: DataFolder, home: PostgresHome) -> Part:
    log = folder.log("postgres")

    async def prepare() -> Command:
        await make_cluster(home, log)
        await asyncio.to_thread(clear_crash, home)
        write_settings(home)
        return _command(home, log)

    async def ready() -> None:
        await _create_roles_and_database(home)

    return Part(name="postgres", prepare=prepare, ready=ready)


def _command(home: PostgresHome, log: Path) -> Command:
    return Command(
        argv=(str(home.programs / "postgres"), "-D", str(home.data)),
        env=bare_environment(),
        log=log,
        # Fast shutdown: it does not wait for clients, and leaves a clean folder.
        stop_signal=signal.SIGINT,
        # Immediate shutdown: nobody waits for a checkpoint, and the next start may follow at once.
        death_signal=signal.SIGQUIT,
        stop_seconds=STOP_SECONDS,
        account=home.account,
    )


async def _create_roles_and_database(home: PostgresHome) -> None:
    """Wait for the server, and give it Neo's roles and database when it has none."""
    # The driver takes longer to import than the server to start; in a thread, both happen at once.
    await asyncio.to_thread(importlib.import_module, "asyncpg")
    connection = await _connect(home)
    try:
        found = await connection.fetchval("SELECT array_agg(rolname::text) FROM pg_roles")
        for role in {OWNER, APP} - set(found):
            await connection.execute(
                f"CREATE ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE"
            )
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
    finally:
        await connection.close()


async def _connect(home: PostgresHome) -> Any:
    import asyncpg  # noqa: PLC0415 - a quarter of a second, which PostgreSQL's own start hides.

    while True:
        try:
            return await asyncpg.connect(
                host=str(home.sockets),
                port=5432,
                user=SUPERUSER,
                database="postgres",
                timeout=CONNECT_SECONDS,
            )
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await asyncio.sleep(POLL_SECONDS)
