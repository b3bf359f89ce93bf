"""What must be true of the database before it is trusted with tenants."""

import asyncio
from collections.abc import Callable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from neo.db.database import Database
from neo.db.driver import DatabaseUnavailable
from neo.db.migrate import HEAD, schema_state
from neo.errors import Edge, Failure, Kind

# A start waits for engines that come up beside it, and should not be what is slow.
WAIT_SECONDS = 0.1

ROLE = text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
OWNED = text(
    "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND pg_has_role(current_user, c.relowner, 'MEMBER')"
)
# Tables that hold a tenant's rows without FORCE row-level security or without a policy.
UNPROTECTED = text(
    "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped "
    "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity "
    "AND EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid))"
)
# With either the role could put something of its own where a function looks for what is ours.
MAY_TEMPORARY = text("SELECT has_database_privilege(current_database(), 'TEMPORARY')")
MAY_CREATE = text("SELECT has_schema_privilege('public', 'CREATE')")
# Functions that would take a temporary table for one of ours. A body that was bound when it was made looks for nothing.
EXPOSED = text(
    "SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace "
    "AND (p.prosecdef OR p.proname LIKE 'neo\\_%') AND p.prosqlbody IS NULL "
    "AND NOT 'search_path=pg_catalog, public, pg_temp' = ANY (coalesce(p.proconfig, '{}')) ORDER BY p.proname"
)


class DatabaseRoleUnsafe(Failure):
    """The application's role could bypass row-level security, or get the rights of the tables' owner."""

    kind = Kind.FORBIDDEN
    code = "database_role_unsafe"
    remedy = "Name a role that owns nothing in `NEO_DATABASE_URL`; the message says what else to change."
    edges = (Edge.COMMAND_LINE,)


class SchemaOutdated(Failure):
    """The database's schema is not the one that this Neo needs."""

    kind = Kind.UNAVAILABLE
    code = "schema_outdated"
    remedy = "Run `neo migrate`."
    edges = (Edge.COMMAND_LINE,)


async def check_role(database: Database) -> None:
    """Refuse a role that row-level security does not bind, and tables that it does not guard."""
    async with database.without_tenant() as connection:
        if await connection.scalar(ROLE) or await connection.scalar(OWNED):
            raise DatabaseRoleUnsafe(
                "NEO_DATABASE_URL names a role that can bypass row-level security (a superuser, BYPASSRLS, or the "
                "tables' owner). Use a role that owns nothing, and give the owner as NEO_DATABASE_OWNER_URL."
            )
        await _check_nothing_of_its_own(connection)
        unprotected = (await connection.scalars(UNPROTECTED)).all()
    if unprotected:
        raise DatabaseRoleUnsafe(
            f"Row-level security is not forced on: {', '.join(unprotected)}. Run the migrations."
        )


async def _check_nothing_of_its_own(connection: AsyncConnection) -> None:
    """Refuse a role that could make what a function with the owner's rights takes for ours."""
    for asked, right in (
        (MAY_TEMPORARY, "make temporary tables: `REVOKE TEMPORARY ON DATABASE ... FROM PUBLIC`"),
        (MAY_CREATE, "create in the schema public: `REVOKE CREATE ON SCHEMA public FROM PUBLIC`"),
    ):
        if await connection.scalar(asked):
            raise DatabaseRoleUnsafe(
                f"NEO_DATABASE_URL names a role that may {right}, and from the role itself."
            )
    exposed = (await connection.scalars(EXPOSED)).all()
    if exposed:
        raise DatabaseRoleUnsafe(
            f"These functions look for temporary tables first: {', '.join(exposed)}. Run `neo migrate`, and drop those "
            "that are not Neo's."
        )


async def trusted(database: Database, *, on_wait: Callable[[str], None]) -> None:
    """Wait until the database is there at this version's schema, and refuse a role that it does not bind.

    `on_wait` is told each time what is still missing.
    """
    while True:
        try:
            await check_schema(database)
            await check_role(database)
        except (DatabaseUnavailable, SchemaOutdated) as failure:
            on_wait(failure.message)
            await asyncio.sleep(WAIT_SECONDS)
        else:
            return


async def check_schema(database: Database) -> None:
    """Refuse to work on the schema or the functions of another version."""
    async with database.without_tenant() as connection:
        state = await schema_state(connection)
    if state.version != HEAD:
        raise SchemaOutdated(
            f"The database's schema is at {state.version}, this Neo needs {HEAD}: run `neo migrate`."
        )
    if not state.is_current:
        raise SchemaOutdated("The database has the functions of another version: run `neo migrate`.")
