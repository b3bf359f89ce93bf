"""Row-level security stands behind the stores, and the database refuses what they might get wrong."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from contract.door_objects import make_household
from neo.access import Pepper
from neo.db import Base, Database, DatabaseRoleUnsafe, call_within, check_role
from neo.db.database import RELIED_ON
from neo.sessions import ChatSession, SessionNotFound, SessionStore
from support.client import Client
from support.people import People
from support.rows import Rows
from support.server import Server

# Run with the owner's rights, each for a reason: they are asked before a tenant is known.
DEFINERS = {
    "neo_find_api_keys",  # Who holds a key.
    "neo_find_technician",  # Whose a Microsoft tenant is, and the role of its person.
    "neo_find_session_token",  # Which session an end user's token opens.
    "neo_find_granted_upload",  # Whose a signed upload is, and whether it may still be sent.
    "neo_find_relayed_session",  # In which tenant the platform's account opened a session.
    "neo_revoke_minted",  # Ends what the platform's revoked key minted for other tenants.
    "neo_find_destination",  # Which tenant's white-label channel a bot's message is for.
    "neo_may_use_bot",  # Whether a bot is the tenant's, or the platform's: yes or no.
    "neo_grant_bot",  # Whose a bot is: for a live key of the platform only.
    "neo_revoke_bot",  # The same.
    "neo_lapsed_credentials",  # Which open tails must end.
    "neo_take_orphan_uploads",  # Uploads that nobody used, of all tenants.
    "neo_unseen_uploads",  # Uploads that came by a store's own URLs, of all tenants.
    "neo_take_due_connections",  # Whose lists of tools are to be read again, of all tenants.
    "neo_expired_artifacts",  # Artifacts whose time is over, of all tenants.
    "neo_spent_uploads",  # Uploads whose pixels are kept elsewhere, of all tenants.
    "neo_overdue_cancels",  # Stopped turns that nobody has ended, of all tenants.
    "neo_overdue_requests",  # Requests that nobody decided in time, of all tenants.
    "neo_is_claimable_waiting",  # Whether a turn of anybody waits: yes or no.
    "neo_take_claims",  # Which turns are next, fair to all tenants.
    "neo_renew_leases",  # What has become of a process's turns.
    "neo_turn_processes",  # Who runs turns, and how long turns wait: numbers.
    "neo_create_tenant",  # A tenant that a live key of the platform makes, with the Microsoft tenant that it is.
    "neo_add_audit_entry",  # The only way into the audit log.
    "neo_chain_audit_entry",  # Its trigger: number, time and hashes are not for who writes an entry to choose.
}
# What the owner's role alone may call, for the operator's commands.
OPERATORS = {
    "neo_operator_audit_faults",  # What is wrong with a tenant's audit log.
    "neo_operator_erase_audit_details",  # Erases what names a person.
    "neo_operator_trim_audit_log",  # Replaces what is too old by an anchor.
}
# What the application's role may write of a tenant. All else says who is what, and is the operator's.
OWN_SETTINGS = {
    "name", "timezone", "start_business_hours", "end_business_hours", "human_friendly_client_name", "referral_code",
    "sleep_before_callback_processing_seconds", "updated_at",
}  # fmt: skip

TABLES = text(
    "SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, count(p.polname) AS policies FROM pg_class c "
    "JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_policy p ON p.polrelid = c.oid "
    "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname IN ('tenant_id') AND NOT a.attisdropped "
    "WHERE n.nspname = 'public' AND c.relkind = 'r' GROUP BY c.oid, c.relname"
)
SECURITY_DEFINERS = text(
    "SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
    "WHERE n.nspname = 'public' AND p.prosecdef"
)
WITHOUT_PG_TEMP_LAST = text(
    "SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prosqlbody IS NULL "
    "AND coalesce(p.proconfig, '{}') <> ARRAY['search_path=pg_catalog, public, pg_temp']"
)
WRITABLE = text(
    "SELECT a.attname, has_column_privilege('neo_app', 'tenants', a.attname, 'UPDATE') AS may_update, "
    "has_column_privilege('neo_app', 'tenants', a.attname, 'INSERT') AS may_insert "
    "FROM pg_attribute a WHERE a.attrelid = 'tenants'::regclass AND a.attnum > 0 AND NOT a.attisdropped"
)
# A table of the caller's own that has the name of one of ours, and does something when a row of it is claimed.
TAKE_OVER = (
    "SET LOCAL search_path = public",
    "CREATE TEMPORARY TABLE chat_turns (LIKE public.chat_turns INCLUDING DEFAULTS)",
    (
        "CREATE FUNCTION pg_temp.take_over() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN PERFORM set_config(''taken.over'', current_user, false); RETURN NEW; END'"
    ),
    "CREATE TRIGGER take_over BEFORE UPDATE ON chat_turns FOR EACH ROW EXECUTE FUNCTION pg_temp.take_over()",
    (
        "INSERT INTO chat_turns (id, tenant_id, session_id, turn_no, model_tier, user_message_id, reply_message_id, "
        "claimable_at) SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, 'FAST', gen_random_uuid(), "
        "gen_random_uuid(), 'epoch'"
    ),
    "GRANT ALL ON chat_turns TO PUBLIC",
)
CLAIM = text(
    "SELECT count(*) FROM neo_take_claims(1, '1 s', true, '{}', (SELECT id FROM chat_turns LIMIT 1))"
)
TAKEN_OVER = text("SELECT nullif(current_setting('taken.over', true), '')")


async def test_a6_every_table_of_a_tenant_is_forced_behind_a_policy(rows: Rows) -> None:
    async with rows.owner.without_tenant() as owner:
        tables = (await owner.execute(TABLES)).all()

    assert {table.relname for table in tables} == {
        "api_keys", "agents", "chat_sessions", "chat_turns", "chat_messages", "technicians", "agent_versions",
        "channels", "bots", "channel_installs", "end_companies", "session_tokens", "attachments", "audit_log",
        "audit_details", "audit_chains", "audit_anchors", "data_keys", "secrets",
        "connections", "connection_tools", "artifacts", "tool_stops",
        "turn_segments", "tool_calls", "approval_requests",
    }  # fmt: skip
    assert all(table.relrowsecurity and table.relforcerowsecurity and table.policies for table in tables)


async def test_only_the_listed_functions_run_with_the_owners_rights(rows: Rows) -> None:
    async with rows.owner.without_tenant() as owner:
        assert set((await owner.scalars(SECURITY_DEFINERS)).all()) == DEFINERS


async def test_a6_without_the_filter_a_store_still_shows_no_other_tenants_rows(
    client: Client, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = UUID(await client.open())
    tenant = await rows.tenant()
    monkeypatch.setattr(SessionStore, "_owned", lambda _: select(ChatSession))

    async with rows.database.transaction(tenant.id) as db:
        seen = (await db.scalars(select(ChatSession))).all()
        with pytest.raises(SessionNotFound):
            await SessionStore(db, tenant.id).get(session)

    assert seen == []


async def test_a6_no_table_shows_another_tenants_rows_without_a_filter(people: People, rows: Rows) -> None:
    household = await make_household(people, await rows.tenant())
    stranger = await rows.tenant()
    owned = [mapper.class_ for mapper in Base.registry.mappers if "tenant_id" in mapper.columns]

    seen = {}
    for tenant in (household.tenant, stranger):
        async with rows.database.transaction(tenant.id) as db:
            seen[tenant.id] = {
                model.__tablename__: set((await db.scalars(select(model.tenant_id))).all()) for model in owned
            }

    # All of them hold something of the first tenant, but for images, which need an upload, and a model's calls.
    empty = {name for name, tenants in seen[household.tenant.id].items() if not tenants}
    assert empty <= {"attachments", "tool_calls", "approval_requests", "artifacts"}
    assert set().union(*seen[household.tenant.id].values()) == {household.tenant.id}
    assert set().union(*seen[stranger.id].values()) == {stranger.id}


async def test_a6_a_row_for_another_tenant_is_refused(client: Client, rows: Rows) -> None:
    tenant, other = await rows.tenant(), await rows.tenant()
    agent_id = await rows.agent(tenant_id=other.id)
    row = {
        "id": uuid4(),
        "tenant_id": other.id,
        "agent_id": agent_id,
        "account_id": uuid4(),
        "channel": "API",
    }

    with pytest.raises(DBAPIError, match="row-level security"):
        async with rows.database.transaction(tenant.id) as db:
            await db.execute(insert(ChatSession).values(row))


async def test_a_session_cannot_name_another_tenants_agent(rows: Rows) -> None:
    tenant, other = await rows.tenant(), await rows.tenant()
    agent_id = await rows.agent(tenant_id=other.id)
    row = {
        "id": uuid4(),
        "tenant_id": tenant.id,
        "agent_id": agent_id,
        "account_id": uuid4(),
        "channel": "API",
    }

    with pytest.raises(DBAPIError, match="foreign key"):
        async with rows.database.transaction(tenant.id) as db:
            await db.execute(insert(ChatSession).values(row))


async def test_a7_a_connection_goes_back_without_a_tenant(rows: Rows) -> None:
    tenant = await rows.tenant()
    async with rows.database.transaction(tenant.id):
        pass
    for _ in range(3):
        with pytest.raises(DBAPIError):
            async with rows.database.transaction(tenant.id) as db:
                await db.execute(text("SELECT 1 / 0"))

    for _ in range(10):
        async with rows.database.without_tenant() as connection:
            setting = await connection.scalar(text("SELECT current_setting('neo.tenant_id', true)"))
            assert setting in (None, "")
            assert await connection.scalar(text("SELECT count(*) FROM chat_sessions")) == 0


async def test_a_role_that_could_bypass_the_policies_is_refused(rows: Rows) -> None:
    await check_role(rows.database)
    with pytest.raises(DatabaseRoleUnsafe):
        await check_role(rows.owner)


async def test_every_function_looks_for_temporary_tables_last(rows: Rows) -> None:
    async with rows.owner.without_tenant() as owner:
        assert (await owner.scalars(WITHOUT_PG_TEMP_LAST)).all() == []


@asynccontextmanager
async def granted(rows: Rows, right: str) -> AsyncIterator[None]:
    """What rights and migrations take away, as a database has it that somebody else has made."""
    async with rows.owner.without_tenant() as owner:
        await owner.execute(text(f"GRANT {right} TO neo_app"))
    try:
        yield
    finally:
        async with rows.owner.without_tenant() as owner:
            await owner.execute(text(f"REVOKE {right} FROM neo_app"))


async def test_a_temporary_table_is_not_taken_for_one_of_ours(rows: Rows) -> None:
    tenant = await rows.tenant()
    async with granted(rows, "TEMPORARY ON DATABASE neo"), rows.database.transaction(tenant.id) as db:
        for statement in TAKE_OVER:
            await db.execute(text(statement))

        assert await db.scalar(CLAIM) == 0
        assert await db.scalar(TAKEN_OVER) is None

        # The trigger is one that fires.
        await db.execute(text("UPDATE chat_turns SET turn_no = 2"))
        assert await db.scalar(TAKEN_OVER) == "neo_app"
        await db.execute(text("DISCARD TEMPORARY"))


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TEMPORARY TABLE chat_turns (id uuid)",
        "CREATE FUNCTION pg_temp.take_over() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE TABLE public.taken_over (id uuid)",
        "CREATE FUNCTION public.neo_is_live(text) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
    ],
)
async def test_the_application_makes_nothing_of_its_own(rows: Rows, statement: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with rows.database.without_tenant() as connection:
            await connection.execute(text(statement))


@pytest.mark.parametrize("right", ["TEMPORARY ON DATABASE neo", "CREATE ON SCHEMA public"])
async def test_a_role_that_may_make_something_of_its_own_is_refused(rows: Rows, right: str) -> None:
    async with granted(rows, right):
        with pytest.raises(DatabaseRoleUnsafe, match=f"REVOKE {right}".replace("neo", "...")):
            await check_role(rows.database)

    await check_role(rows.database)


async def test_a_function_that_looks_for_temporary_tables_first_is_refused(rows: Rows) -> None:
    async with rows.owner.without_tenant() as owner:
        await owner.execute(text("ALTER FUNCTION neo_find_destination SET search_path = pg_catalog, public"))
        try:
            with pytest.raises(DatabaseRoleUnsafe, match="neo_find_destination"):
                await check_role(rows.database)
        finally:
            await owner.execute(
                text("ALTER FUNCTION neo_find_destination SET search_path = pg_catalog, public, pg_temp")
            )


# What a role may set for its own later connections, and what each of Neo's has nevertheless.
OWN_DEFAULTS = {
    "search_path": "pg_temp, public",
    "default_transaction_isolation": "serializable",
    "default_transaction_read_only": "on",
    "row_security": "off",
    "standard_conforming_strings": "off",
    "DateStyle": "German",
    "IntervalStyle": "iso_8601",
    "TimeZone": "'Asia/Tokyo'",
}


async def test_what_a_role_has_changed_for_itself_changes_nothing_for_the_application(
    rows: Rows, server: Server
) -> None:
    async def altered(what: str) -> None:
        async with rows.database.without_tenant() as connection:
            await connection.execute(text(f"ALTER ROLE neo_app {what}"))

    assert set(OWN_DEFAULTS) == set(RELIED_ON)
    database = Database(server.addresses.database_url, connections_max=4)
    try:
        for name, value in OWN_DEFAULTS.items():
            await altered(f"SET {name} = {value}")
        async with database.without_tenant() as connection:
            had = {name: await connection.scalar(text(f"SHOW {name}")) for name in OWN_DEFAULTS}
        tenant = await rows.tenant()
        async with database.transaction(tenant.id) as db:
            await db.execute(text("UPDATE tenants SET name = 'Still ours'"))
        await check_role(database)
    finally:
        await database.aclose()
        await altered("RESET ALL")

    assert had == RELIED_ON
    with pytest.raises(ProgrammingError, match="permission denied"):
        await altered(f"SET neo.tenant_id = '{tenant.id}'")


async def test_what_a_tenant_is_cannot_be_written_by_the_application(rows: Rows) -> None:
    async with rows.owner.without_tenant() as owner:
        columns = (await owner.execute(WRITABLE)).all()

    assert {column.attname for column in columns if column.may_update} == OWN_SETTINGS
    assert not any(column.may_insert for column in columns)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tenants SET is_platform = true",
        "UPDATE tenants SET entra_tenant_id = gen_random_uuid()",
        "UPDATE tenants SET suspended_at = NULL",
        "UPDATE tenants SET id = gen_random_uuid()",
        "INSERT INTO tenants (id, name) SELECT nullif(current_setting('neo.tenant_id'), '')::uuid, 'Another'",
        "INSERT INTO tenants (id, name, entra_tenant_id) VALUES (gen_random_uuid(), 'A', gen_random_uuid())",
        "INSERT INTO tenants (id, name, is_platform) VALUES (gen_random_uuid(), 'A', true)",
        "DELETE FROM tenants",
    ],
)
async def test_the_application_does_not_say_who_is_what(rows: Rows, statement: str) -> None:
    tenant = await rows.tenant()
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with rows.database.transaction(tenant.id) as db:
            await db.execute(text(statement))


async def test_only_who_holds_a_live_key_of_the_platform_creates_a_tenant(rows: Rows, server: Server) -> None:
    tenant, platform, made = await rows.tenant(), await rows.platform(), uuid4()
    pepper = Pepper(((server.data / "secret").read_text().strip(),))
    async with rows.database.transaction(platform.id) as db:
        read = await db.scalar(text("SELECT id FROM api_keys"))
    became = []
    for digest in (read.bytes, pepper.digest(tenant.api_key), pepper.digest(platform.api_key)):
        with pytest.raises(DBAPIError):
            async with rows.database.transaction(made) as db:
                [(told,)] = await call_within(db, "neo_create_tenant", made, "Another", None, digest)
                became.append(told)
                await db.execute(text("SELECT 1 / 0"))

    assert became == ["REFUSED", "REFUSED", "CREATED"]


# Whose key it makes, or makes live again or for longer, it can act for: the platform's are the owner's alone.
KEY = (
    "INSERT INTO api_keys (id, tenant_id, account_id, name, digest, hint, revoked_at) "
    "SELECT gen_random_uuid(), id, gen_random_uuid(), 'Mine', 'known', '', {revoked_at} FROM tenants"
)


@pytest.mark.parametrize(
    "statement",
    [
        KEY.format(revoked_at="NULL"),
        f"{KEY.format(revoked_at='now()')}; UPDATE api_keys SET revoked_at = NULL WHERE hint = ''",
        "UPDATE api_keys SET revoked_at = NULL",
        "UPDATE api_keys SET expires_at = NULL",
        "UPDATE api_keys SET rotated_at = NULL",
        "UPDATE api_keys SET digest = 'known'",
        "UPDATE api_keys SET tenant_id = tenant_id",
        "UPDATE api_keys SET account_id = id",
        "SELECT digest FROM api_keys",
        "SELECT * FROM api_keys",
        "UPDATE api_keys SET last_used_at = now() WHERE digest > ''",
        "UPDATE api_keys SET last_used_at = now() RETURNING digest",
        "DELETE FROM api_keys",
        "ALTER TABLE api_keys DISABLE TRIGGER USER",
    ],
)
async def test_the_application_makes_no_key_of_the_platform_and_reads_no_digest(
    rows: Rows, statement: str
) -> None:
    platform = await rows.platform()
    if statement.endswith("revoked_at = NULL"):
        await rows.revoke_keys(platform.id)

    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
        async with rows.database.transaction(platform.id) as db:
            for one in statement.split("; "):
                await db.execute(text(one))


async def test_the_application_notes_the_use_of_a_key_of_the_platform_and_ends_it(rows: Rows) -> None:
    platform = await rows.platform()
    async with rows.database.transaction(platform.id) as db:
        for change in ("last_used_at = now()", "revoked_at = now()"):
            assert (await db.execute(text(f"UPDATE api_keys SET {change} RETURNING id"))).all()
