"""Checks of PostgreSQL: that it keeps what it confirms, and that tenants are kept apart in it."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from neo.cli.doctor.findings import Finding, checked, fine, problem, warning
from neo.cli.doctor.turns.processes import NAME as PROCESSES
from neo.cli.doctor.turns.processes import check_processes

if TYPE_CHECKING:
    from neo.cli.operator import OperatorDatabase
    from neo.db import Database

LOOK_AT_DATABASE = "look whether it is up, and whether NEO_DATABASE_URL is right"
FACTS = """
SELECT current_setting('server_version') AS version, current_setting('fsync') AS fsync,
       current_setting('synchronous_commit') AS synchronous_commit
"""
TENANT_TABLES = """
SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
"""


async def check_database(found: "OperatorDatabase", *, is_served: bool) -> AsyncIterator[Finding]:
    from neo.db import Database  # noqa: PLC0415 - imports of seconds stay out of `--help`.

    database = Database(found.database_url, connections_max=1)
    try:
        answers = await checked("postgres", check_durability(database), LOOK_AT_DATABASE)
        for finding in answers:
            yield finding
        if len(answers) == 1:
            return
        for name, check in (
            ("schema", check_schema_version),
            ("database role", check_safe_role),
            ("row-level security", check_row_security),
        ):
            for finding in await checked(name, check(database)):
                yield finding
        for finding in await checked(PROCESSES, check_processes(database, is_served=is_served)):
            yield finding
    finally:
        await database.aclose()


async def check_durability(database: "Database") -> list[Finding]:
    from sqlalchemy import text  # noqa: PLC0415 - imports of seconds stay out of `--help`.

    async with database.without_tenant() as connection:
        facts = (await connection.execute(text(FACTS))).one()
    found = [fine("postgres", f"PostgreSQL {facts.version} answers.")]
    if facts.fsync != "on":
        said = "fsync is off: a power cut loses accepted messages."
        found.append(problem("postgres fsync", said, "set fsync = on in postgresql.conf"))
    elif facts.synchronous_commit == "off":
        said = "synchronous_commit is off: a crash loses the last accepted messages."
        found.append(warning("postgres fsync", said, "set synchronous_commit = on"))
    else:
        found.append(fine("postgres fsync", "What is committed is on disk."))
    return found


async def check_schema_version(database: "Database") -> list[Finding]:
    from neo.db import check_schema  # noqa: PLC0415

    await check_schema(database)
    return [fine("schema", "It is at this version's.")]


async def check_safe_role(database: "Database") -> list[Finding]:
    from neo.db import check_role  # noqa: PLC0415

    await check_role(database)
    return [fine("database role", "Row-level security binds it.")]


async def check_row_security(database: "Database") -> list[Finding]:
    from sqlalchemy import text  # noqa: PLC0415

    from neo.db.guard import UNPROTECTED  # noqa: PLC0415

    async with database.without_tenant() as connection:
        tables = await connection.scalar(text(TENANT_TABLES))
        unprotected = (await connection.scalars(UNPROTECTED)).all()
    if unprotected:
        return [
            problem("row-level security", f"Not forced on: {', '.join(unprotected)}.", "run `neo migrate`")
        ]
    return [fine("row-level security", f"Forced, with a policy, on all {tables} tables of tenants.")]
