"""Points at which a test has a process die, wait or break, and that are nothing anywhere else."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from neo.kit import arm_failpoints, reached
from neo.kit.failpoint import KILLED, FailpointReached
from neo.settings import SettingsInvalid, read_settings

DIES = "import asyncio, sys; from neo.kit import arm_failpoints, reached; arm_failpoints(sys.argv[1]); {body}"


@pytest.fixture
def points(tmp_path: Path) -> Iterator[Path]:
    arm_failpoints(str(tmp_path))
    yield tmp_path
    arm_failpoints(None)


async def test_a_point_that_nobody_armed_is_passed(points: Path) -> None:
    await reached("somewhere")


async def test_without_a_folder_nothing_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "somewhere").write_text("raise")

    await reached("somewhere")


async def test_an_armed_point_acts_once(points: Path) -> None:
    (points / "somewhere").write_text("raise")

    with pytest.raises(FailpointReached):
        await reached("somewhere")
    await reached("somewhere")


async def test_who_waits_goes_on_when_the_taken_file_is_removed(points: Path) -> None:
    (points / "somewhere").write_text("wait")
    waiting = asyncio.create_task(reached("somewhere"))
    taken = points / "somewhere.taken"
    async with asyncio.timeout(5):
        while not taken.exists():
            await asyncio.sleep(0.01)

    assert not waiting.done()
    taken.unlink()

    await asyncio.wait_for(waiting, 5)


async def test_a_process_dies_as_if_it_were_killed(tmp_path: Path) -> None:
    (tmp_path / "somewhere").write_text("exit")
    program = DIES.format(body="asyncio.run(reached('somewhere')); print('alive')")

    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, str(tmp_path))

    assert await asyncio.wait_for(process.wait(), 30) == KILLED


@pytest.mark.parametrize(("environment", "is_refused"), [("live", True), ("test", False), ("local", False)])
def test_it_is_refused_where_customers_are(
    monkeypatch: pytest.MonkeyPatch, *, environment: str, is_refused: bool
) -> None:
    monkeypatch.setenv("NEO_FAILPOINTS", "/tmp/points")
    monkeypatch.setenv("NEO_ENVIRONMENT", environment)

    if is_refused:
        with pytest.raises(SettingsInvalid, match="NEO_FAILPOINTS"):
            read_settings()
    else:
        assert read_settings().server.failpoints == "/tmp/points"
