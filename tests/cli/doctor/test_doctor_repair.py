"""Each thing that the doctor can put right, broken by hand and put right; what is fine is left alone."""

import json
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from temporalio.client import Client as Temporal
from temporalio.service import RPCError

from cli.neo_command import Ended, neo
from neo.agents import create_tenant
from neo.cli.doctor.repair import RepairContext, TemporalNotThere
from neo.cli.doctor.turns import INVARIANTS
from neo.db import Database
from neo.db.migrate import migrate
from neo.engines.addresses import Addresses
from neo.engines.data_folder.layout import locked
from neo.engines.postgres.home import ROOTS_HOME, discard_home
from neo.engines.stack import engines_up
from neo.settings import read_settings

SESSION = """
INSERT INTO chat_sessions (id, tenant_id, account_id, agent_id, channel, last_turn_no)
SELECT :id, :tenant_id, :tenant_id, min(id), 'API', :turns FROM agents
"""
TURN = """
INSERT INTO chat_turns (id, tenant_id, session_id, turn_no, status, model_tier, user_message_id, reply_message_id,
    finish_reason, output_tokens, created_at, started_at, ended_at)
VALUES (:id, :tenant_id, :session_id, :turn_no, :status, 'FAST', gen_random_uuid(), gen_random_uuid(),
    'stop', 1, now() - interval '1 hour', now() - interval '1 hour',
    CASE WHEN :is_open THEN NULL ELSE now() - interval '59 minutes' END)
"""
TEMPORAL_AWAY = "Temporal does not answer, and only it can start turns"
WEEKS_AGO = time.time() - 30 * 86_400


@dataclass
class Ward:
    """Engines without a server, so that nobody else puts anything right."""

    data: Path
    addresses: Addresses
    tenant_id: UUID
    database: Database
    owner: Database
    told: dict[str, Any] = field(default_factory=dict)

    async def session(self, *statuses: str) -> tuple[UUID, list[UUID]]:
        """A session whose turns stand like this."""
        session_id, turn_ids = uuid4(), [uuid4() for _ in statuses]
        async with self.database.transaction(self.tenant_id) as db:
            values = {"id": session_id, "tenant_id": self.tenant_id, "turns": len(statuses)}
            await db.execute(text(SESSION), values)
            for number, (turn_id, status) in enumerate(zip(turn_ids, statuses, strict=True), 1):
                values = {
                    "id": turn_id,
                    "tenant_id": self.tenant_id,
                    "session_id": session_id,
                    "turn_no": number,
                }
                is_open = status in ("QUEUED", "RUNNING")
                await db.execute(text(TURN), {**values, "status": status, "is_open": is_open})
        return session_id, turn_ids

    async def change(self, statement: str, **values: object) -> None:
        async with self.database.transaction(self.tenant_id) as db:
            await db.execute(text(statement), values)

    async def row(self, table: str, row_id: UUID) -> Any:
        async with self.owner.without_tenant() as owner:
            return (await owner.execute(text(f"SELECT * FROM {table} WHERE id = :id"), {"id": row_id})).one()

    async def everything(self) -> list[Any]:
        async with self.owner.without_tenant() as owner:
            turns = (await owner.execute(text("SELECT * FROM chat_turns ORDER BY id"))).all()
            return [*turns, *(await owner.execute(text("SELECT * FROM chat_sessions ORDER BY id"))).all()]

    def environment(self) -> dict[str, str]:
        return {
            "NEO_DATABASE_URL": self.addresses.database_url,
            "NEO_DATABASE_OWNER_URL": self.addresses.database_owner_url,
            "NEO_REDIS_URL": self.addresses.redis_url,
            "NEO_TEMPORAL_ADDRESS": self.addresses.temporal_address,
            "NEO_BLOB_URL": (self.data / "blobs").resolve().as_uri(),
            "NEO_SECRET_KEY": "x" * 43,
            "NEO_MODEL_FAST": "openai:some-model",
            "NEO_OPENAI_API_KEY": "sk-none",
        }

    async def repaired(self) -> dict[str, list[dict[str, Any]]]:
        """What `neo doctor --repair --yes` says, by check."""
        doctor = await neo(
            "doctor", "--data", str(self.data), "--repair", "--yes", "--json", **self.environment()
        )
        checks: dict[str, list[dict[str, Any]]] = {}
        for check in json.loads(doctor.out)["checks"]:
            checks.setdefault(check["name"], []).append(check)
        return checks


@pytest.fixture(scope="module")
async def ward(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ward]:
    data = tmp_path_factory.mktemp("ward") / "data"
    async with engines_up(data) as addresses:
        await migrate(addresses.database_owner_url, "neo_app")
        database = Database(addresses.database_url, connections_max=2)
        owner = Database(addresses.database_owner_url, connections_max=2)
        yield Ward(data, addresses, await create_tenant(database, "A tenant"), database, owner)
        await database.aclose()
        await owner.aclose()
    with locked(data) as folder:
        discard_home(folder)


def states(checks: dict[str, list[dict[str, Any]]], name: str) -> list[str]:
    return [check["state"] for check in checks[name]]


async def test_a_turn_that_nobody_started_is_started_and_what_waits_behind_it_is_left(ward: Ward) -> None:
    _, [_, first, behind] = await ward.session("COMPLETED", "QUEUED", "QUEUED")

    checks = await ward.repaired()

    assert states(checks, "queued turns start") == ["problem", "repaired"]
    temporal = await Temporal.connect(ward.addresses.temporal_address)
    assert (await temporal.get_workflow_handle(str(first)).describe()).workflow_type == "ChatTurnWorkflow"
    with pytest.raises(RPCError, match="not found"):
        await temporal.get_workflow_handle(str(behind)).describe()
    await temporal.get_workflow_handle(str(first)).terminate()


async def test_a_turn_that_temporal_will_not_run_again_is_ended(ward: Ward) -> None:
    session_id, [turn_id, behind] = await ward.session("RUNNING", "QUEUED")
    temporal = await Temporal.connect(ward.addresses.temporal_address)
    await temporal.start_workflow("ChatTurnWorkflow", id=str(turn_id), task_queue="neo-turns")
    await temporal.get_workflow_handle(str(turn_id)).terminate()

    checks = await ward.repaired()

    turn = await ward.row("chat_turns", turn_id)
    assert states(checks, "running turns end") == ["problem", "repaired"]
    assert (turn.status, turn.error_code) == ("FAILED", "turn_lost")
    assert (await ward.row("chat_sessions", session_id)).last_turn_no == 2
    assert (await temporal.get_workflow_handle(str(behind)).describe()).id == str(behind)
    await temporal.get_workflow_handle(str(behind)).terminate()


async def test_a_turn_that_was_to_stop_is_ended_as_cancelled(ward: Ward) -> None:
    _, [turn_id] = await ward.session("RUNNING")
    asked = "UPDATE chat_turns SET cancel_requested_at = now() - interval '1 minute', started_at = now() WHERE id = :id"
    await ward.change(asked, id=turn_id)

    checks = await ward.repaired()

    turn = await ward.row("chat_turns", turn_id)
    assert states(checks, "stopped turns end") == ["problem", "repaired"]
    assert (turn.status, turn.ended_at is not None) == ("CANCELLED", True)


@pytest.mark.parametrize("wrong", [0, 1, 7])
async def test_a_session_that_miscounts_its_turns_counts_anew(ward: Ward, wrong: int) -> None:
    session_id, _ = await ward.session("COMPLETED", "COMPLETED")
    await ward.change(
        "UPDATE chat_sessions SET last_turn_no = :wrong WHERE id = :id", wrong=wrong, id=session_id
    )

    checks = await ward.repaired()

    assert states(checks, "sessions count their turns") == ["problem", "repaired"]
    assert (await ward.row("chat_sessions", session_id)).last_turn_no == 2


async def test_ends_that_are_missing_or_too_many_are_put_right(ward: Ward) -> None:
    _, [closed] = await ward.session("COMPLETED")
    _, [open_turn] = await ward.session("RUNNING")
    await ward.change("UPDATE chat_turns SET ended_at = NULL, total_ms = 500 WHERE id = :id", id=closed)
    await ward.change(
        "UPDATE chat_turns SET ended_at = now(), started_at = now() WHERE id = :id", id=open_turn
    )

    checks = await ward.repaired()

    found = await ward.row("chat_turns", closed)
    assert states(checks, "ended turns have a time") == ["problem", "repaired"]
    assert (found.ended_at - found.created_at).total_seconds() == 0.5
    assert (await ward.row("chat_turns", open_turn)).ended_at is None
    await ward.change(
        "UPDATE chat_turns SET status = 'CANCELLED', ended_at = now() WHERE id = :id", id=open_turn
    )


async def test_a_failed_turn_without_a_reason_gets_one(ward: Ward) -> None:
    _, [turn_id] = await ward.session("FAILED")

    checks = await ward.repaired()

    assert states(checks, "failed turns say why") == ["problem", "repaired"]
    assert (await ward.row("chat_turns", turn_id)).error_code == "turn_lost"


async def test_what_must_be_understood_first_is_named_and_not_touched(ward: Ward) -> None:
    _, [first, _] = await ward.session("COMPLETED", "COMPLETED")
    await ward.change("UPDATE chat_turns SET output_tokens = NULL WHERE id = :id", id=first)

    checks = await ward.repaired()

    assert states(checks, "completed turns are whole") == ["problem"]
    assert (await ward.row("chat_turns", first)).output_tokens is None
    await ward.change("UPDATE chat_turns SET output_tokens = 1 WHERE id = :id", id=first)


async def test_an_upload_that_nobody_used_is_removed_and_a_fresh_one_is_not(ward: Ward) -> None:
    session_id, _ = await ward.session()
    upload = """
    INSERT INTO attachments (id, tenant_id, session_id, blob_path, mime, created_at)
    VALUES (:id, :tenant_id, :session_id, :path, 'image/png', now() - :hours * interval '1 hour')
    """
    old, fresh = uuid4(), uuid4()
    for row_id, hours in ((old, 48), (fresh, 24.5)):
        values = {
            "tenant_id": ward.tenant_id,
            "session_id": session_id,
            "path": f"some/{row_id}",
            "hours": hours,
        }
        await ward.change(upload, id=row_id, **values)
    await ward.change("UPDATE attachments SET created_at = now() WHERE id = :id", id=fresh)

    checks = await ward.repaired()

    assert states(checks, "unused uploads") == ["warning", "repaired"]
    async with ward.owner.without_tenant() as owner:
        left = (await owner.scalars(text("SELECT id FROM attachments"))).all()
    assert left == [fresh]


@pytest.mark.skipif(
    os.geteuid() != 0, reason="only root's servers keep anything outside of their data folder"
)
async def test_a_database_whose_data_folder_is_gone_is_removed_and_no_other(
    ward: Ward, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    homes = {name: ROOTS_HOME / uuid4().hex for name in ("gone", "moved lately", "kept")}
    for name, home in homes.items():
        control = home / "postgres-18" / "global" / "pg_control"
        control.parent.mkdir(parents=True)
        control.write_bytes(b"x")
        (home / "home").write_text(f"{kept if name == 'kept' else tmp_path / 'gone'}\n")
        for file in (control, home / "home"):
            os.utime(file, (WEEKS_AGO, WEEKS_AGO) if name != "moved lately" else None)
    (kept / "instance").write_text(homes["kept"].name)
    try:
        checks = await ward.repaired()

        assert states(checks, "left databases") == ["warning", "repaired"]
        assert str(homes["gone"]) in checks["left databases"][0]["said"]
        assert [name for name, home in homes.items() if home.exists()] == ["moved lately", "kept"]
        assert (ROOTS_HOME / (ward.data / "instance").read_text().strip()).exists()
    finally:
        for home in homes.values():
            for file in sorted(home.rglob("*"), reverse=True):
                file.rmdir() if file.is_dir() else file.unlink()
            home.rmdir() if home.exists() else None


async def asked(ward: Ward, answer: str) -> Ended:
    return await neo("doctor", "--data", str(ward.data), "--repair", typed=answer, **ward.environment())


async def test_it_asks_before_and_a_no_changes_nothing(ward: Ward) -> None:
    _, [turn_id] = await ward.session("FAILED")

    refused = await asked(ward, "n\n" * 20)
    after_no = await ward.row("chat_turns", turn_id)
    agreed = await asked(ward, "y\n" * 20)

    assert after_no.error_code is None
    assert "failed turns say why" in refused.out.split("Repair")[0]
    assert refused.code == 1
    assert (await ward.row("chat_turns", turn_id)).error_code == "turn_lost"
    assert "repaired failed turns say why" in agreed.out


async def test_what_is_fine_is_not_touched(ward: Ward) -> None:
    await ward.session("COMPLETED", "COMPLETED")
    await ward.repaired()
    before = await ward.everything()

    await ward.repaired()

    assert await ward.everything() == before


async def test_json_cannot_ask() -> None:
    doctor = await neo("doctor", "--repair", "--json")

    assert doctor.code == 2
    assert "--yes" in doctor.stderr


async def test_hands_that_cannot_reach_temporal_say_so(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**ward.environment(), "NEO_TEMPORAL_ADDRESS": "127.0.0.1:1"}.items():
        monkeypatch.setenv(name, value)
    context = RepairContext(read_settings(), ward.owner)

    with pytest.raises(TemporalNotThere, match=TEMPORAL_AWAY):
        await context.sweeper(with_temporal=True)

    await context.aclose()


async def test_without_temporal_it_says_why_turns_are_not_started(ward: Ward) -> None:
    _, [turn_id] = await ward.session("QUEUED")
    environment = {**ward.environment(), "NEO_TEMPORAL_ADDRESS": "127.0.0.1:1"}

    doctor = await neo("doctor", "--data", str(ward.data), "--repair", "--yes", **environment)

    assert doctor.code == 1
    assert TEMPORAL_AWAY in doctor.out
    await ward.change(
        "UPDATE chat_turns SET status = 'CANCELLED', ended_at = now() WHERE id = :id", id=turn_id
    )


def test_every_check_of_the_turns_can_be_repaired_or_must_be_understood_first() -> None:
    assert {one.name for one in INVARIANTS if one.repair is None} == {
        "one turn at a time",
        "completed turns are whole",
        "turns in a row",
    }
