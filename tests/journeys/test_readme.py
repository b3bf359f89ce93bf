"""The README's blocks, run as they stand, in a copy of the project that has nothing installed."""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
PORT = 8600
# Packages come from uv's cache, which `make test` has filled; an empty one takes longer.
START_SECONDS = 240
TALK_SECONDS = 90
STOP_SECONDS = 30


def blocks() -> list[str]:
    return re.findall(r"```bash\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What a fresh clone holds."""
    folder = tmp_path / "neo"
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in tracked.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


@pytest.mark.timeout(START_SECONDS + 2 * TALK_SECONDS + STOP_SECONDS)
async def test_a_newcomer_follows_the_readme(clone: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not on this machine, and the README's lines use it")
    if is_taken(PORT):
        pytest.skip(f"port {PORT} is taken on this machine, and the README's lines name it")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("NEO_", "VIRTUAL_ENV"))
    }
    # What is imported is compiled then; to compile all that is installed takes a minute of two processors.
    environment["UV_COMPILE_BYTECODE"] = "0"
    run, chat, curl = blocks()

    with (clone / "run.log").open("wb") as log:
        running = await asyncio.create_subprocess_exec(
            "bash", "-c", run, cwd=clone, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        await healthy(clone, running)
        talked = await said(clone, environment, chat, b"Say hello.\n")
        told = await said(clone, environment, curl, b"")
        started = psutil.Process(running.pid).children(recursive=True)
    finally:
        os.killpg(running.pid, signal.SIGINT)
        await asyncio.wait_for(running.wait(), STOP_SECONDS)

    assert talked.strip()
    # No provider is configured: the real local model answers.
    assert told.count('"type":"text-delta"') > 1
    assert '"provider":"local"' in told
    assert (clone / ".neo" / "key").stat().st_mode & 0o777 == 0o600
    assert told.rstrip().endswith("data: [DONE]")
    assert started
    assert [process for process in started if process.is_running()] == []
    instance = (clone / ".neo" / "instance").read_text().strip()
    shutil.rmtree(Path("/var/lib/neo") / instance, ignore_errors=True)


async def healthy(clone: Path, running: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(START_SECONDS):
        while not (clone / ".neo" / "key").exists() or "make chat" not in (clone / "run.log").read_text():
            assert running.returncode is None, (clone / "run.log").read_text()
            await asyncio.sleep(0.1)


async def said(clone: Path, environment: dict[str, str], block: str, typed: bytes) -> str:
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euc", block),
        cwd=clone,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(typed), TALK_SECONDS)
    assert process.returncode == 0, err.decode() + out.decode()
    return out.decode()


def is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
