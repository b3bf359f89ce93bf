"""The README's blocks, run as they stand. That a fresh clone can be installed is what each run of CI begins with."""

import asyncio
import os
import re
import shutil
import signal
import socket
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
PORT = 8600
START_SECONDS = 90
# The local model may write a thousand tokens, on a machine on which other tests run.
TALK_SECONDS = 240
STOP_SECONDS = 30


def blocks() -> list[str]:
    return re.findall(r"```bash\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


@pytest.mark.timeout(START_SECONDS + 2 * TALK_SECONDS + STOP_SECONDS)
async def test_a_newcomer_follows_the_readme(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not on this machine, and the README's lines use it")
    if is_taken(PORT):
        pytest.skip(f"port {PORT} is taken on this machine, and the README's lines name it")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NEO_")}
    # A developer's own `.neo` is left alone: the data are where the third block's own folder has its `.neo`.
    environment["DATA"] = str(tmp_path / ".neo")
    run, chat, curl = blocks()

    with (tmp_path / "run.log").open("wb") as log:
        running = await asyncio.create_subprocess_exec(
            "bash", "-c", run, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        await healthy(tmp_path, running)
        talked = await said(ROOT, environment, chat, b"Say hello.\n")
        told = await said(tmp_path, environment, curl, b"")
        started = psutil.Process(running.pid).children(recursive=True)
    finally:
        os.killpg(running.pid, signal.SIGINT)
        await asyncio.wait_for(running.wait(), STOP_SECONDS)

    assert talked.strip()
    # No provider is configured: the real local model answers.
    assert told.count('"type":"text-delta"') > 1
    assert '"provider":"local"' in told
    assert (tmp_path / ".neo" / "key").stat().st_mode & 0o777 == 0o600
    assert told.rstrip().endswith("data: [DONE]")
    assert started
    assert [process for process in started if process.is_running()] == []
    instance = (tmp_path / ".neo" / "instance").read_text().strip()
    shutil.rmtree(Path("/var/lib/neo") / instance, ignore_errors=True)


async def healthy(folder: Path, running: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(START_SECONDS):
        while not (folder / ".neo" / "key").exists() or "make chat" not in (folder / "run.log").read_text():
            assert running.returncode is None, (folder / "run.log").read_text()
            await asyncio.sleep(0.1)


async def said(folder: Path, environment: dict[str, str], block: str, typed: bytes) -> str:
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euc", block),
        cwd=folder,
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
