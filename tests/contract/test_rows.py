"""Row-level security stands behind the stores, and the database refuses what they might get wrong."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from contract.door_objects import make_household
from neo.db import Base, DatabaseRoleUnsafe, check_role
from neo.sessions import ChatSession, SessionNotFound, SessionStore
from support.client import Client
from support.people import People
from support.rows import Rows

# Run with the owner's rights, each for a reason: they are asked before a tenant is known.
DEFINERS = {
    "neo_find_api_keys",  # Who holds a key.
    "neo_find_technician",  # Whose a Microsoft tenant is, and the role of its person.
    "neo_find_session_token",  # Which session an end user's token opens.
    "neo_find_relayed_session",  # In which tenant the platform's account opened a session.
    "neo_find_install",  # Which tenant's white-label channel a bot's message is for.
    "neo_lapsed_credentials",  # Which open tails must end.
    "neo_take_orphan_uploads",  # Uploads that nobody used, of all tenants.
    "neo_spent_uploads",  # Uploads whose pixels are kept elsewhere, of all tenants.
    "neo_overdue_cancels",  # Stopped turns that nobody has ended, of all tenants.
    "neo_overdue_requests",  # Requests that nobody decided in time, of all tenants.
    "neo_is_claimable_waiting",  # Whether a turn of anybody waits: yes or no.
    "neo_take_claims",  # Which turns are next, fair to all tenants.
    "neo_renew_leases",  # What has become of a process's turns.
    "neo_turn_processes",  # Who runs turns, and how long turns wait: numbers.
}

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


async def test_a6_every_table_of_a_tenant_is_forced_behind_a_policy(rows: Rows) -> None:
    async with rows.owner.without_tenant() as owner:
        tables = (await owner.execute(TABLES)).all()

    assert {table.relname for table in tables} == {
        "api_keys", "agents", "chat_sessions", "chat_turns", "chat_messages", "technicians", "agent_versions",
        "channels", "channel_installs", "end_companies", "session_tokens", "attachments", "audit_log",
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
    assert empty <= {"attachments", "tool_calls", "approval_requests"}
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
