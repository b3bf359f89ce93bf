"""Checks of PostgreSQL: that it keeps what it confirms, and that tenants are kept apart in it."""

from typing import TYPE_CHECKING

from neo.cli.doctor.findings import Finding, fine, problem, warning

if TYPE_CHECKING:
    from neo.db import Database

FACTS = """
SELECT current_setting('server_version') AS version, current_setting('fsync') AS fsync,
       current_setting('synchronous_commit') AS synchronous_commit
"""
TENANT_TABLES = """
SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
"""


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
