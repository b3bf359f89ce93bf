"""The audit log is a chain for each tenant: who changes it by hand, as the database's owner, is found out."""

import asyncio
from datetime import UTC, datetime
from itertools import pairwise
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from audit.chain import Chain
from neo.access import CallerKind
from neo.audit import Actor, AuditStore
from neo.db import call_within

# The owner too changes rows of the transaction's tenant only.
CHANGED = "UPDATE audit_log SET {} WHERE sequence = 2"
RECHAINED = "UPDATE audit_log l SET hash = neo_audit_hash(l) WHERE sequence = 2"
UNCHAINED = (
    "ALTER TABLE audit_log DISABLE TRIGGER audit_log_chained",
    (
        "INSERT INTO audit_log (tenant_id, actor_kind, actor_tenant_id, action, object_kind, object_id) "
        "SELECT tenant_id, 'operator', tenant_id, 'tenant.created', 'tenant', '1' FROM audit_chains"
    ),
    "ALTER TABLE audit_log ENABLE TRIGGER audit_log_chained",
)
DETAILS_GONE = "DELETE FROM audit_details WHERE entry_id IN (SELECT id FROM audit_log WHERE sequence {})"


async def test_each_entry_has_a_number_and_the_hash_of_the_one_before(chain: Chain) -> None:
    began = datetime.now(UTC)
    await chain.add()
    found = await chain.hashes()

    assert [one.sequence for one in found] == [1, 2, 3, 4, 5]
    assert [after.previous_hash for _, after in pairwise(found)] == [one.hash for one in found[:-1]]
    assert len({one.hash for one in found}) == 5
    assert began <= (await chain.entries())[-1].created_at <= datetime.now(UTC)
    assert await chain.faults() == []


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ([CHANGED.format("action = 'agent.created'")], [(2, "was changed")]),
        ([CHANGED.format("actor_id = gen_random_uuid()")], [(2, "was changed")]),
        ([CHANGED.format("created_at = created_at - interval '1 microsecond'")], [(2, "was changed")]),
        ([CHANGED.format("details_digest = NULL")], [(2, "was changed")]),
        ([CHANGED.format("object_id = '2'"), RECHAINED], [(3, "does not follow the one before")]),
        (
            ["UPDATE audit_details SET details = '{}' WHERE details <> '{}'"],
            [(2, "has details that were changed")],
        ),
        (["UPDATE audit_details SET end_user = 'adam'"], [(2, "has"), (3, "has")]),
        ([DETAILS_GONE.format("= 2"), "DELETE FROM audit_log WHERE sequence = 2"], [(3, "follows entries")]),
        (["DELETE FROM audit_log WHERE sequence = 1"], [(2, "follows entries that are gone")]),
        (["DELETE FROM audit_log WHERE sequence = 4"], [(4, "is the newest one, and is gone")]),
        (["DELETE FROM audit_details", "DELETE FROM audit_log"], [(4, "is the newest one, and is gone")]),
        (["DELETE FROM audit_chains"], [(None, "are there, and no chain is")]),
        ([*UNCHAINED], [(None, "was never chained")]),
    ],
)
async def test_what_the_owner_does_by_hand_is_found(
    chain: Chain, damage: list[str], found: list[tuple[int | None, str]]
) -> None:
    async with chain.damaged(*damage) as db:
        rows = await call_within(db, "neo_operator_audit_faults", chain.tenant_id, 5)

    assert [row["sequence"] for row in rows] == [sequence for sequence, _ in found]
    assert all(row["fault"].startswith(said) for row, (_, said) in zip(rows, found, strict=True))
    assert await chain.faults() == []


@pytest.mark.parametrize(
    "statement",
    [
        (
            "INSERT INTO audit_log (tenant_id, actor_kind, actor_tenant_id, action, object_kind, object_id) "
            "SELECT tenant_id, 'service_account', tenant_id, 'agent.updated', 'agent', '1' FROM audit_log LIMIT 1"
        ),
        "UPDATE audit_log SET created_at = now()",
        "UPDATE audit_log SET hash = ''",
        "DELETE FROM audit_log",
        "UPDATE audit_details SET end_user = NULL",
        "DELETE FROM audit_details",
        "INSERT INTO audit_details (entry_id, tenant_id, salt, details) SELECT id, tenant_id, '', '{}' FROM audit_log",
        "SELECT * FROM audit_chains FOR UPDATE",
        "UPDATE audit_chains SET sequence = 0",
        "INSERT INTO audit_anchors SELECT tenant_id, 9, '', 9, now(), now(), now() FROM audit_log",
        "SELECT nextval('audit_log_id_seq')",
        "ALTER TABLE audit_log DISABLE TRIGGER audit_log_chained",
        "SELECT neo_operator_audit_faults(gen_random_uuid(), 1)",
        "SELECT neo_operator_erase_audit_details(gen_random_uuid(), 'zoe')",
        "SELECT neo_operator_trim_audit_log(gen_random_uuid(), '1 day')",
    ],
)
async def test_the_application_writes_it_in_no_other_way(chain: Chain, statement: str) -> None:
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
        async with chain.rows.database.transaction(chain.tenant_id) as db:
            await db.execute(text(statement))


async def test_the_application_does_not_say_that_it_was_the_operator(chain: Chain) -> None:
    with pytest.raises(
        asyncpg.InsufficientPrivilegeError, match="only the owner's role records the operator"
    ):
        async with chain.rows.database.transaction(chain.tenant_id) as db:
            actor = Actor.operator(chain.tenant_id)
            await AuditStore(db, chain.tenant_id).add(actor, "tenant.resumed", "tenant", chain.tenant_id)


@pytest.mark.parametrize(
    "kind", ["Operator", "operator ", " operator", "operator\u200b", "OPERATOR", "admin", ""]
)
async def test_nobody_is_on_record_as_what_reads_like_another(chain: Chain, kind: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="nobody of that kind"):
        async with chain.rows.database.transaction(chain.tenant_id) as db:
            actor = Actor(kind, uuid4(), chain.tenant_id)
            await AuditStore(db, chain.tenant_id).add(actor, "tenant.resumed", "tenant", chain.tenant_id)


@pytest.mark.parametrize("kind", CallerKind)
async def test_every_kind_of_caller_is_on_record(chain: Chain, kind: CallerKind) -> None:
    async with chain.rows.database.transaction(chain.tenant_id) as db:
        actor = Actor(kind, uuid4(), chain.tenant_id)
        await AuditStore(db, chain.tenant_id).add(actor, "agent.updated", "agent", "1")

    assert (await chain.entries())[-1].actor_kind == kind


async def test_the_application_writes_the_log_of_its_transactions_tenant_only(chain: Chain) -> None:
    other = (await chain.rows.tenant()).id
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with chain.rows.database.transaction(other) as db:
            await chain.add_within(db)


async def test_writers_at_once_make_one_chain(chain: Chain) -> None:
    async def verified() -> None:
        assert await chain.faults() == []

    await asyncio.gather(*(one() for _ in range(20) for one in (chain.add, verified)))

    assert [one.sequence for one in await chain.hashes()] == list(range(1, 25))
    assert await chain.faults() == []


async def test_who_has_written_an_entry_holds_nobody_up_until_they_commit(chain: Chain) -> None:
    """One who goes on after an entry, and one who waits for what the first will need, would wait for each other."""
    database, tenant = chain.rows.database, chain.tenant_id
    row = text("SELECT 1 FROM agents FOR UPDATE")
    async with database.transaction(tenant) as first:
        await chain.add_within(first, "agent.updated")
        async with database.transaction(tenant) as second:
            await second.execute(row)
            await chain.add_within(second, "agent.deleted")
        await first.execute(row)

    # In the order of their commits.
    assert [one.action for one in await chain.entries()][-2:] == ["agent.deleted", "agent.updated"]
    assert [one.sequence for one in await chain.hashes()] == [1, 2, 3, 4, 5, 6]
    assert await chain.faults() == []


async def test_what_is_rolled_back_leaves_no_gap(chain: Chain) -> None:
    with pytest.raises(DBAPIError):
        async with chain.rows.database.transaction(chain.tenant_id) as db:
            await chain.add_within(db, about=uuid4())
            await db.execute(text("SELECT 1 / 0"))
    await chain.add()

    assert [one.sequence for one in await chain.hashes()] == [1, 2, 3, 4, 5]
    assert await chain.faults() == []
