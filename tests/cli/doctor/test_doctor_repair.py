"""What `neo doctor --repair` does beside turns, and that it asks; what is fine is left alone."""

import os
import time
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from cli.doctor.ward import Ward, states
from cli.neo_command import Ended, neo
from neo.engines.postgres.home import ROOTS_HOME

WEEKS_AGO = time.time() - 30 * 86_400


async def test_an_upload_that_nobody_used_is_removed_and_a_fresh_one_is_not(ward: Ward) -> None:
    session_id, _ = await ward.bare.session()
    upload = """
    INSERT INTO attachments (id, tenant_id, session_id, blob_path, mime, created_at)
    VALUES (:id, :tenant_id, :session_id, :path, 'image/png', now() - :hours * interval '1 hour')
    """
    old, fresh = uuid4(), uuid4()
    for row_id, hours in ((old, 48), (fresh, 24.5)):
        values = {
            "tenant_id": ward.bare.tenant_id,
            "session_id": session_id,
            "path": f"some/{row_id}",
            "hours": hours,
        }
        await ward.bare.change(upload, id=row_id, **values)
    await ward.bare.change("UPDATE attachments SET created_at = now() WHERE id = :id", id=fresh)

    checks = await ward.by_command("--repair", "--yes")

    assert states(checks, "unused uploads") == ["warning", "repaired"]
    async with ward.bare.owner.without_tenant() as owner:
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
        checks = await ward.by_command("--repair", "--yes")

        assert states(checks, "left databases") == ["warning", "repaired"]
        assert str(homes["gone"]) in checks["left databases"][0].said
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
    _, [turn_id] = await ward.bare.session("FAILED")
    await ward.bare.change("UPDATE chat_turns SET error_code = NULL WHERE id = :id", id=turn_id)

    refused = await asked(ward, "n\n" * 20)
    after_no = await ward.bare.row("chat_turns", turn_id)
    agreed = await asked(ward, "y\n" * 20)

    assert after_no.error_code is None
    assert "failed turns say why" in refused.out.split("Repair")[0]
    assert refused.code == 1
    assert (await ward.bare.row("chat_turns", turn_id)).error_code == "turn_lost"
    assert "repaired failed turns say why" in agreed.out


async def test_what_is_fine_is_not_touched(ward: Ward) -> None:
    await ward.bare.session("COMPLETED", "RUNNING", "QUEUED")
    await ward.bare.waiting()
    await ward.by_command("--repair", "--yes")
    before = await ward.everything()

    await ward.by_command("--repair", "--yes")

    assert await ward.everything() == before


async def test_json_cannot_ask() -> None:
    doctor = await neo("doctor", "--repair", "--json")

    assert doctor.code == 2
    assert "--yes" in doctor.stderr
