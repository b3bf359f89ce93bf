"""Prepares the database for the server: applies migrations, and creates a first tenant with its key.

What was applied is noted in the data folder, so that a later start need not import all that it takes to find
out that there is nothing to do: those imports would delay the server by a second.
"""

import asyncio
import hashlib
import importlib
import importlib.util
import json
from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from neo.cli.serve.screen import FirstTenant
from neo.engines.data_folder.private_file import replace_file
from neo.engines.processes.supervise import Supervisor
from neo.engines.stack import Plan

REMEMBERED = "prepared.json"
DATABASE_RETRY_SECONDS = 0.5


async def prepare_database(supervisor: Supervisor, plan: Plan, environment: Mapping[str, str]) -> FirstTenant:
    """The first tenant, once the schema is the newest; the caller bounds how long this is retried."""
    is_ours = any(part.name == "postgres" for part in plan.parts)
    if not is_ours:
        return await _prepare(plan, environment, _imported())
    memory = plan.folder.path / REMEMBERED
    # Without the note there is work to do, and its imports may run while PostgreSQL starts.
    modules = None if memory.exists() else _imported()
    await supervisor.up("postgres")
    known = _recall(memory, await _state(plan)) if modules is None else None
    if known is not None:
        return FirstTenant(known, None)
    tenant = await _prepare(plan, environment, modules or _imported())
    replace_file(memory, json.dumps({"state": await _state(plan), "tenant_id": str(tenant.tenant_id)}))
    return tenant


async def _prepare(
    plan: Plan, environment: Mapping[str, str], modules: asyncio.Task[tuple[Any, Any]]
) -> FirstTenant:
    migrate, bootstrap = await modules
    owner_url, database_url = plan.addresses.database_owner_url, plan.addresses.database_url
    await _once_it_listens(lambda: migrate.migrate(owner_url, urlsplit(database_url).username))
    name = environment.get("NEO_ENVIRONMENT") or "local"
    found = await bootstrap.first_tenant(owner_url, environment["NEO_SECRET_KEY"], name)
    if found.api_key:
        # The key is kept where `neo chat` looks for it.
        plan.folder.write_key(found.api_key)
    return FirstTenant(found.tenant_id, found.api_key)


def _imported() -> asyncio.Task[tuple[Any, Any]]:
    return asyncio.create_task(asyncio.to_thread(_import_modules))


def _import_modules() -> tuple[Any, Any]:
    return importlib.import_module("neo.db.migrate"), importlib.import_module("neo.agents.tenants.bootstrap")


async def _once_it_listens(work: Callable[[], Awaitable[object]]) -> None:
    """Retry the connection: a database that we do not run ourselves may be starting too."""
    while True:
        try:
            await work()
        except OSError:
            await asyncio.sleep(DATABASE_RETRY_SECONDS)
        else:
            return


async def _state(plan: Plan) -> str:
    """Identifies migrations and the tables that they were applied to: another release, database or dump changes it."""
    import asyncpg  # noqa: PLC0415 - the engines' start does not wait for it.

    connection = await asyncpg.connect(plan.addresses.database_owner_url.replace("+asyncpg", ""))
    try:
        cluster = await connection.fetchval("SELECT system_identifier FROM pg_control_system()")
        table = await connection.fetchval("SELECT to_regclass('alembic_version')::oid")
        schema = await connection.fetchval("SELECT version_num FROM alembic_version") if table else None
    finally:
        await connection.close()
    return f"{cluster}/{table}/{schema}/{await asyncio.to_thread(_code)}"


def _code() -> str:
    spec = importlib.util.find_spec("neo.db")
    home = Path(spec.origin or "").parent if spec else Path()
    digest = hashlib.sha256(version("neo").encode())
    for file in sorted([*home.glob("migrations/versions/*.py"), *home.glob("sql/**/*.sql")]):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _recall(memory: Path, state: str) -> UUID | None:
    try:
        known = json.loads(memory.read_text())
        return UUID(known["tenant_id"]) if known["state"] == state else None
    except (ValueError, KeyError, TypeError):
        # With a broken file the work is done again.
        return None
