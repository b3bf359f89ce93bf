"""`neo doctor` against a real server, in health and with what must never be."""

import json
from typing import Any

from sqlalchemy import text

from cli.neo_command import neo
from support.client import Client
from support.rows import Rows
from support.server import Server


async def examined(server: Server) -> tuple[int, dict[str, dict[str, Any]]]:
    doctor = await neo("doctor", "--data", str(server.data), "--json")
    report = json.loads(doctor.out)
    assert report["ok"] is (doctor.code == 0)
    return doctor.code, {check["name"]: check for check in report["checks"]}


async def test_a_healthy_server_has_no_problem(server: Server) -> None:
    code, checks = await examined(server)

    assert {name: check for name, check in checks.items() if check["state"] == "problem"} == {}
    assert code == 0
    engines = (
        "postgres",
        "row-level security",
        "audit log",
        "valkey persistence",
        "temporal",
        "worker",
        "api",
    )
    assert {checks[name]["state"] for name in engines} == {"ok"}


async def test_a_turn_that_is_not_whole_is_named(server: Server, client: Client, rows: Rows) -> None:
    session_id = await client.open()
    turn_id = (await client.say(session_id, "hello"))["chat_turn_id"]
    await client.ended(session_id, turn_id)
    change = text("UPDATE chat_turns SET finish_reason = :reason WHERE id = :id")

    async with rows.owner.without_tenant() as owner:
        await owner.execute(change, {"reason": None, "id": turn_id})
        code, checks = await examined(server)
        await owner.execute(change, {"reason": "stop", "id": turn_id})

    assert code == 1
    assert checks["completed turns are whole"]["state"] == "problem"
    assert turn_id in checks["completed turns are whole"]["said"]


async def test_an_entry_of_the_audit_log_that_was_changed_is_named(server: Server, rows: Rows) -> None:
    tenant = await rows.tenant()
    change = text("UPDATE audit_log SET object_kind = :kind WHERE tenant_id = :id RETURNING id")

    async with rows.owner.transaction(tenant.id) as owner:
        entry = await owner.scalar(change, {"kind": "nothing", "id": tenant.id})
    code, checks = await examined(server)
    async with rows.owner.transaction(tenant.id) as owner:
        await owner.execute(change, {"kind": "tenant", "id": tenant.id})

    assert code == 1
    assert checks["audit log"]["state"] == "problem"
    assert f"tenant {tenant.id}: entry {entry} (number 1) was changed" in checks["audit log"]["said"]


async def test_words_are_one_line_a_check(server: Server) -> None:
    doctor = await neo("doctor", "--data", str(server.data))

    states = {line.split()[0] for line in doctor.out.splitlines()}
    assert states <= {"ok", "warning", "skipped"}
    assert "\x1b" not in doctor.out


async def test_a_folder_that_others_can_read_is_a_problem(server: Server) -> None:
    key = server.data / "key"
    key.chmod(0o644)
    try:
        code, checks = await examined(server)
    finally:
        key.chmod(0o600)

    assert code == 1
    assert checks["data folder"]["next_step"] == f"chmod 600 {key}"
