"""A database of the oldest version that is upgraded is then like a fresh one, with everything that it had.

`version_0010.sql` is what `neo serve` had stored at that version: turns of every status, attachments and keys.
"""

import json
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text

from neo.access import CallerKind, Credential, CredentialKind, Pepper, Principal
from neo.access.credentials import Lookups
from neo.audit import Actor, AuditStore, faults
from neo.chat.history import Reader
from neo.db import Database, check_role, check_schema
from neo.db.migrate import OLDEST, migrate
from neo.engines.addresses import Addresses
from neo.engines.data_folder.layout import locked
from neo.engines.postgres.binaries import installed_programs
from neo.engines.postgres.cluster import APP, OWNER, SUPERUSER
from neo.engines.postgres.home import discard_home
from neo.engines.stack import engines_up
from neo.events import Position
from neo.tails.replay import Replay
from neo.tails.stored import SessionSnapshots, StoredTurns
from neo.tenants import all_tenants
from neo.turns.leases.claim import claim_turns

DUMP = Path(__file__).parent / f"version_{OLDEST}.sql"

# Of the data folder that was dumped; it is gone.
SECRET = "5WKT6NuW1cE9IMRTRBMpxoYJ8bBfIL8X3ejnos-m19xvWWL1oDYFKxTYmCCdC5zx"
KEY = "neo_sk_local_dhMj7waDxNTnhe3gtVMDrwL05sZ57ji0OTZKs48cFRJ11Tcjd"
REVOKED = "neo_sk_local_1dL9MwnCOdHEQBSeuFsGtqzO23mrBcGh1SALjaigQHr444iUU"
ANOTHERS = "neo_sk_local_sLo983WYYWFfC6flbXtPtEHCb3YK0bZjTUpXRDabSO23QMJan"

TENANT = UUID("86c860b8-0e6b-4862-989b-6d2dc923e1b0")
ENTRY = """
INSERT INTO audit_log (tenant_id, actor_kind, actor_tenant_id, end_user, action, object_kind, object_id, details)
VALUES ($1, 'platform', gen_random_uuid(), $2, 'session.relayed', 'chat_session', '1', $3)
"""

SEQUENCES = text("SELECT sequence FROM audit_log WHERE tenant_id = :of ORDER BY id")

ANSWER = "w1 w2 w3 w4 w5 "
CUT = "".join(f"w{number} " for number in range(1, 23))
# What each session said and how its turns stand, newest session first.
SESSIONS = [
    (["Answer for a minute", "And then this"], ["RUNNING", "QUEUED"]),
    (["Goodbye", ANSWER], ["COMPLETED"]),
    (["Talk for long", CUT, "Wait"], ["CANCELLED", "CANCELLED"]),
    (["Fail, please"], ["FAILED"]),
    (["What is this?", ANSWER], ["COMPLETED"]),
    (["Hello", ANSWER, "And again", ANSWER], ["COMPLETED", "COMPLETED"]),
]


MSP, TAKER, PLATFORM, MSP_ENTRA, CUSTOMER = (UUID(int=number) for number in range(1, 6))
OWN, SHARED, TAKEN, FOR_ANOTHERS = (UUID(int=number) for number in range(11, 15))
# The audience of a channel, its bot, and where it is installed.
NAMED: dict[UUID, list[tuple[str, UUID, UUID | None]]] = {
    MSP: [("MSP", OWN, None), ("END_USER", OWN, CUSTOMER), ("MSP", SHARED, None), ("MSP", TAKEN, None)],
    TAKER: [("MSP", SHARED, None), ("END_USER", TAKEN, CUSTOMER), ("END_USER", FOR_ANOTHERS, MSP_ENTRA)],
}


@dataclass(frozen=True)
class Upgraded:
    """The database `neo` was restored and upgraded, the database `fresh` was made by this version."""

    database: Database
    owner: Database
    sockets: str

    async def caller(self, key: str) -> Principal:
        row = await self.find(key)
        assert row is not None
        assert row["is_live"]
        credential = Credential(CredentialKind.API_KEY, row["tenant_id"], row["id"])
        return Principal(
            CallerKind.SERVICE_ACCOUNT, row["tenant_id"], row["tenant_id"], row["account_id"], credential
        )

    async def find(self, key: str) -> asyncpg.Record | None:
        return await Lookups(self.database).api_key(Pepper((SECRET,)).digests(key))

    async def asked(self, query: str) -> list[asyncpg.Record]:
        """What the owner's role sees."""
        owner = await asyncpg.connect(host=self.sockets, user=OWNER, database="neo")
        found = await owner.fetch(query)
        await owner.close()
        return found

    def schema(self, database: str) -> str:
        dumped = subprocess.run(
            [installed_programs() / "pg_dump", "-s", "-h", self.sockets, "-U", SUPERUSER, database],
            capture_output=True,
            text=True,
            check=True,
        )
        return "\n".join(line for line in dumped.stdout.splitlines() if not line.startswith(("\\", "--")))


@pytest.fixture(scope="module")
async def upgraded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Upgraded]:
    data = tmp_path_factory.mktemp("upgraded") / "data"
    async with engines_up(data, parts=("postgres",)) as addresses:
        sockets = unquote(addresses.database_owner_url.partition("host=")[2])
        await make_fresh(addresses, sockets)
        await restore(sockets)
        assert await migrate(addresses.database_owner_url, APP)
        database = Database(addresses.database_url, connections_max=4)
        owner = Database(addresses.database_owner_url, connections_max=2)
        yield Upgraded(database, owner, sockets)
        await owner.aclose()
        await database.aclose()
    with locked(data) as folder:
        discard_home(folder)


async def make_fresh(addresses: Addresses, sockets: str) -> None:
    superuser = await asyncpg.connect(host=sockets, user=SUPERUSER, database="postgres")
    await superuser.execute(f"CREATE DATABASE fresh OWNER {OWNER}")
    await superuser.close()
    await migrate(addresses.database_owner_url.replace("/neo?", "/fresh?"), APP)


async def restore(sockets: str) -> None:
    owner = await asyncpg.connect(host=sockets, user=OWNER, database="neo")
    await owner.execute(DUMP.read_text())
    # The server that was dumped had entries without details only. A dump sets what it needs for its own session.
    await owner.execute("RESET ALL")
    await owner.execute("SELECT set_config('neo.tenant_id', $1, false)", str(TENANT))
    await owner.execute(ENTRY, TENANT, None, '{"fields": ["name"]}')
    await owner.execute(ENTRY, TENANT, "zoe", "{}")
    await name_bots(owner)
    await owner.close()


async def name_bots(owner: asyncpg.Connection) -> None:
    """Channels from when a bot was whose channel named it first, as the tenants MSP and TAKER have made them."""
    for tenant, is_platform, entra in ((MSP, False, MSP_ENTRA), (TAKER, False, None), (PLATFORM, True, None)):
        await owner.execute(f"SET neo.tenant_id = '{tenant}'")
        await owner.execute(
            "INSERT INTO tenants (id, name, is_platform, entra_tenant_id) VALUES ($1, 'A tenant', $2, $3)",
            *(tenant, is_platform, entra),
        )
        for audience, bot, installed in NAMED.get(tenant, ()):
            agent = await owner.fetchval(
                "INSERT INTO agents (tenant_id, name, audience) VALUES ($1, 'An agent', $2) RETURNING id",
                *(tenant, audience),
            )
            channel = await owner.fetchval(
                "INSERT INTO channels (id, tenant_id, agent_id, transport, audience, bot_id, internal_name) "
                "VALUES (gen_random_uuid(), $1, $2, 'TEAMS', $3, $4, 'A channel') RETURNING id",
                *(tenant, agent, audience, bot),
            )
            if installed is not None:
                await owner.execute(
                    "INSERT INTO channel_installs (tenant_id, channel_id, end_client_tenant_id) VALUES ($1, $2, $3)",
                    *(tenant, channel, installed),
                )


def test_its_schema_is_that_of_a_fresh_one(upgraded: Upgraded) -> None:
    assert upgraded.schema("neo").splitlines() == upgraded.schema("fresh").splitlines()


async def test_a_server_takes_it(upgraded: Upgraded) -> None:
    await check_schema(upgraded.database)
    await check_role(upgraded.database)


async def test_a_bot_is_whose_it_plainly_was_and_the_operator_is_to_confirm_it(upgraded: Upgraded) -> None:
    bots = await upgraded.asked("SELECT id, tenant_id, is_confirmed FROM bots ORDER BY id")
    active = await upgraded.asked("SELECT tenant_id, audience, bot_id FROM channels WHERE status = 'ACTIVE'")

    # What two tenants name, or what is installed where another one signs in, may be the platform's at most.
    owners = {OWN: MSP, SHARED: PLATFORM, TAKEN: PLATFORM, FOR_ANOTHERS: PLATFORM}
    assert [tuple(row) for row in bots] == [(bot, tenant, False) for bot, tenant in owners.items()]
    assert {tuple(row) for row in active} == {
        (MSP, "MSP", OWN), (MSP, "END_USER", OWN), (MSP, "MSP", SHARED), (TAKER, "MSP", SHARED), (MSP, "MSP", TAKEN),
    }  # fmt: skip


async def test_its_sessions_turns_and_messages_are_read(upgraded: Upgraded) -> None:
    caller, reader = await upgraded.caller(KEY), Reader(upgraded.database)

    read = []
    for session in await reader.sessions(caller, 100, None):
        transcript = await reader.transcript(caller, session.id, 100, after=None, newest_first=False)
        turns = sorted(transcript.turns.values(), key=lambda turn: turn.turn_no)
        read.append(([message.text for message in transcript.messages], [turn.status for turn in turns]))

    assert read == SESSIONS


async def test_its_image_is_still_of_its_message(upgraded: Upgraded) -> None:
    caller, reader = await upgraded.caller(KEY), Reader(upgraded.database)

    sessions = [one.id for one in await reader.sessions(caller, 100, None) if one.title == "What is this?"]
    [session_id] = sessions
    transcript = await reader.transcript(caller, session_id, 100, after=None, newest_first=False)

    assert [(one.alt, one.mime) for one in transcript.attachments] == [("A picture", "image/png")]


async def test_its_keys_are_good_for_what_they_were(upgraded: Upgraded) -> None:
    caller, another, revoked = (
        await upgraded.caller(KEY),
        await upgraded.caller(ANOTHERS),
        await upgraded.find(REVOKED),
    )

    assert caller.tenant_id == TENANT
    assert [one.title for one in await Reader(upgraded.database).sessions(another, 100, None)] == [
        "Mine alone"
    ]
    assert revoked is not None
    assert not revoked["is_live"]


async def test_what_had_ended_is_replayed_with_its_answer_and_its_end(upgraded: Upgraded) -> None:
    caller, reader = await upgraded.caller(KEY), Reader(upgraded.database)
    snapshots = SessionSnapshots(upgraded.database)
    replayed = []
    for session in await reader.sessions(caller, 100, None):
        turns = StoredTurns(upgraded.database, snapshots, caller.tenant_id, session.id)
        transcript = await reader.transcript(caller, session.id, 100, after=None, newest_first=False)
        ended = [turn for turn in transcript.turns.values() if not turn.is_open]
        for turn in sorted(ended, key=lambda turn: turn.turn_no):
            replay, again = await turns.replay(turn.turn_no), await turns.replay(turn.turn_no)
            assert replay.entries == again.entries
            assert replay.lacking(Position(turn.turn_no, 0, 1, 9)) is None
            replayed.append(told(replay))

    assert replayed == [
        ("start", ANSWER, "finish"),
        ("start", CUT, "abort"),
        ("abort", "", "abort"),
        ("error", "", "error"),
        ("start", ANSWER, "finish"),
        ("start", ANSWER, "finish"),
        ("start", ANSWER, "finish"),
    ]


def told(replay: Replay) -> tuple[str, str, str]:
    """The first chunk's type, the text, and the last one's type."""
    chunks = [json.loads(entry.frame.split(b"\ndata: ")[1]) for entry in replay.entries]
    text = "".join(chunk["delta"] for chunk in chunks if chunk["type"] == "text-delta")
    return chunks[0]["type"], text, chunks[-1]["type"]


async def test_its_audit_log_is_chained(upgraded: Upgraded) -> None:
    async with upgraded.database.transaction(TENANT) as db:
        entries = await AuditStore(db, TENANT).newest(10, before=None)
        await AuditStore(db, TENANT).add(Actor("technician", TENANT, TENANT), "agent.updated", "agent", 1)
    async with upgraded.owner.without_tenant() as owner:
        chained = (await owner.scalars(SEQUENCES, {"of": TENANT})).all()
        found = await all_tenants(owner)

    assert [(entry.action, entry.end_user, entry.details) for entry in entries] == [
        ("session.relayed", "zoe", {}),
        ("session.relayed", None, {"fields": ["name"]}),
        ("tenant.created", None, {}),
    ]
    assert chained == [1, 2, 3, 4]
    assert [await faults(upgraded.owner, row.id) for row in found] == [[]] * 5


async def test_what_was_open_is_claimed_from_its_beginning(upgraded: Upgraded) -> None:
    [task] = await claim_turns(upgraded.database, 10, takes_over=False)

    assert (task.message.text, task.turn.segment, task.turn.claim) == ("Answer for a minute", 1, 1)
    assert (task.after, task.step, task.is_exhausted) == (None, 1, False)
    assert await claim_turns(upgraded.database, 10, takes_over=True) == []
