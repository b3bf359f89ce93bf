"""A person is erased from the audit log and old entries leave it, and the chain stays whole."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from audit.chain import Chain
from cli.neo_command import Ended, neo
from neo.audit import AuditChainBroken, trim
from support.server import Server

# Entries get old by themselves only: this makes the first ones so, and their chain anew.
AGED = """
DO $$
DECLARE
    entry audit_log;
    before bytea := '';
BEGIN
    FOR entry IN
        SELECT * FROM audit_log WHERE tenant_id = nullif(current_setting('neo.tenant_id'), '')::uuid ORDER BY sequence
    LOOP
        entry.created_at := entry.created_at - CASE WHEN entry.sequence <= 3 THEN interval '400 days' ELSE '0' END;
        entry.previous_hash := before;
        entry.hash := neo_audit_hash(entry);
        before := entry.hash;
        UPDATE audit_log SET created_at = entry.created_at, previous_hash = entry.previous_hash, hash = entry.hash
        WHERE id = entry.id;
        UPDATE audit_chains SET hash = before WHERE tenant_id = entry.tenant_id;
    END LOOP;
END
$$
"""
ANCHORS = text(
    "SELECT sequence, entries, until_at - from_at < '1 day' AS is_of_a_day FROM audit_anchors ORDER BY 1"
)


async def ran(server: Server, *words: str) -> Ended:
    return await neo("audit", *words, "--data", str(server.data))


async def test_a_person_is_erased_and_the_chain_stays_whole(chain: Chain, server: Server) -> None:
    technician = uuid4()
    await chain.add("technician.updated", about=technician, details={"role": "Admin"})
    await chain.add(details={"asked": {"by": ["Zoe@Example.com"]}})
    await chain.add(end_user="zoe@example.com.au", details={"note": "not zoe@example.com alone"})
    before = await chain.hashes()

    erased = [
        await ran(server, "erase", "--tenant", str(chain.tenant_id), person)
        for person in ("ZOE@example.com", str(technician), "zoe@example.com")
    ]

    assert [one.out for one in erased] == [
        "The details of 2 entries are erased.\n",
        "The details of 1 entries are erased.\n",
        "The details of 0 entries are erased.\n",
    ]
    assert await chain.faults() == []
    assert (await chain.hashes())[:7] == before
    entries = await chain.entries()
    assert [(one.end_user, one.details) for one in entries[1:7]] == [
        (None, {"fields": ["name"]}),
        (None, None),
        (None, {}),
        (None, None),
        (None, None),
        ("zoe@example.com.au", {"note": "not zoe@example.com alone"}),
    ]
    assert [(one.action, one.actor_kind, one.details) for one in entries[7:]] == [
        ("audit_log.erased", "operator", {"entries": 2}),
        ("audit_log.erased", "operator", {"entries": 1}),
    ]


async def test_old_entries_leave_an_anchor_from_which_the_chain_goes_on(chain: Chain, server: Server) -> None:
    async with chain.rows.owner.transaction(chain.tenant_id) as db:
        await db.execute(text(AGED))
    assert await chain.faults() == []

    ended = await ran(server, "trim", "--keep-days", "365", "--tenant", str(chain.tenant_id))
    again = await ran(server, "trim", "--keep-days", "365", "--tenant", str(chain.tenant_id))

    assert (ended.out, again.out) == ("3 entries are trimmed.\n", "0 entries are trimmed.\n")
    assert await chain.faults() == []
    entries = await chain.entries()
    assert [one.action for one in entries] == ["agent.updated", "audit_log.trimmed"]
    assert (entries[1].details or {})["entries"] == 3
    assert [one.sequence for one in await chain.hashes()] == [4, 5]
    async with chain.damaged("DELETE FROM audit_anchors") as db:
        [fault] = (
            await db.execute(text("SELECT * FROM neo_operator_audit_faults(:of, 1)"), {"of": chain.tenant_id})
        ).all()
    assert (fault.sequence, fault.fault) == (4, "follows entries that are gone")


async def test_all_entries_may_go(chain: Chain) -> None:
    first = await trim(chain.rows.owner, chain.tenant_id, timedelta(0))
    second = await trim(chain.rows.owner, chain.tenant_id, timedelta(0))

    assert (first, second) == (4, 1)
    async with chain.rows.owner.transaction(chain.tenant_id) as db:
        assert [tuple(row) for row in await db.execute(ANCHORS)] == [(4, 4, True), (5, 1, True)]
    assert [one.sequence for one in await chain.hashes()] == [6]
    assert await chain.faults() == []


async def test_nothing_is_trimmed_of_a_chain_that_is_broken(chain: Chain) -> None:
    change = text("UPDATE audit_log SET object_id = :to WHERE tenant_id = :of AND sequence = 2")
    async with chain.rows.owner.transaction(chain.tenant_id) as db:
        await db.execute(change, {"to": "2", "of": chain.tenant_id})
    try:
        with pytest.raises(AuditChainBroken, match=r"\(number 2\) was changed"):
            await trim(chain.rows.owner, chain.tenant_id, timedelta(0))
    finally:
        async with chain.rows.owner.transaction(chain.tenant_id) as db:
            await db.execute(change, {"to": "1", "of": chain.tenant_id})

    assert len(await chain.entries()) == 4


@pytest.mark.parametrize("words", [("erase", "zoe"), ("trim", "--keep-days", "1")])
async def test_a_tenant_that_does_not_exist_is_said_so(server: Server, words: tuple[str, ...]) -> None:
    nowhere = str(uuid4())

    ended = await ran(server, *words, "--tenant", nowhere)

    assert (ended.code, ended.stderr) == (
        1,
        f"neo: There is no tenant {nowhere}: `neo tenants list` shows them.\n",
    )
