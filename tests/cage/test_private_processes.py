"""What other processes of the same user learn of the ones that hold secrets, and what a server is not given."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cage.world import AS_NOBODY, NOBODY, needs_root, orders
from neo.cage import MINIMUM, enter
from neo.engines.addresses import Addresses
from neo.engines.choose import server_environment

pytestmark = needs_root

VARIABLE = "NEO_DATABASE_OWNER_URL"
OWNER = "postgresql+asyncpg://neo_owner:of-the-owner@127.0.0.1:1/neo"
ENVIRONMENT = {
    "NEO_DATABASE_URL": "postgresql+asyncpg://neo_app:of-the-application@127.0.0.1:1/neo",
    "NEO_REDIS_URL": "redis://127.0.0.1:1",
    "NEO_TEMPORAL_ADDRESS": "127.0.0.1:1",
    "NEO_SECRET_KEY": "x" * 43,
    "NEO_MODEL_FAST": "openai:some-model",
    "NEO_OPENAI_API_KEY": "sk-none",
    "NEO_PORT": "1",
}
# A group that nothing else has: what /proc shows of a process belongs to the process's group unless it is closed.
GROUP = 60_599
HOLDS_SECRETS = """
import ctypes, os, sys
from neo.cage import close_to_others
os.setgroups([]); os.setresgid({nobody}, {nobody}, {nobody}); os.setresuid({nobody}, {nobody}, {nobody})
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
{close}
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(("close", "is_read"), [("", True), ("close_to_others()", False)])
async def test_the_same_user_reads_no_environment_of_a_closed_process(close: str, *, is_read: bool) -> None:
    script = HOLDS_SECRETS.format(nobody=NOBODY, close=close)
    async with _running("-c", script, environment={"NEO_SECRET_KEY": "not-to-be-found"}) as process:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"

        out, err = await _read_by_nobody(process.pid, "environ")

    assert (b"not-to-be-found" in out) == is_read
    assert (b"Permission denied" in err) != is_read


@pytest.mark.parametrize(("left_out", "is_read"), [("closed to others", True), ("", False)])
async def test_the_same_user_reads_no_memory_of_a_caged_program(
    tmp_path: Path, left_out: str, *, is_read: bool
) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\ndef main():\n    print('ready', flush=True)\n    sys.stdin.read()\n    return 0\n"
    )
    ordered = json.dumps(orders([layer for layer in MINIMUM if layer != left_out]))
    async with _running(
        str(AS_NOBODY), str(enter.__file__), str(program), ordered, environment={}
    ) as process:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"

        out, err = await _read_by_nobody(process.pid, "maps")

    assert (b"[stack]" in out) == is_read
    assert (b"Permission denied" in err) != is_read


@pytest.mark.parametrize(("half", "variable"), [("api", VARIABLE), ("worker", f"{VARIABLE}_FILE")])
async def test_a_server_closes_itself_and_does_not_keep_the_owners_url(
    tmp_path: Path, half: str, variable: str
) -> None:
    file = tmp_path / "of-the-owner"
    file.write_text(OWNER)
    file.chmod(0o600)
    environment = {**ENVIRONMENT, variable: OWNER if variable == VARIABLE else str(file)}
    async with _running("-m", "neo", half, environment=environment, group=GROUP) as process:
        proc = Path(f"/proc/{process.pid}")
        async with asyncio.timeout(60):
            # It starts anew without it, under the same pid, and that is a process of its own to close.
            while b"of-the-owner" in _environ(proc) or (proc / "environ").stat().st_gid == GROUP:
                await asyncio.sleep(0.05)
        assert process.stderr is not None
        said = await process.stderr.readline()
        assert b"of-the-application" in _environ(proc)

    assert b"owner_url_dropped" in said
    assert b"of-the-owner" not in said


def test_an_embedded_server_is_not_given_the_owners_url() -> None:
    addresses = Addresses(database_url="of-the-application", database_owner_url="of-the-owner")
    environment = {"NEO_DATABASE_OWNER_URL": "of-the-owner"}

    given = server_environment(environment, addresses, "secret", frozenset())

    assert given["NEO_DATABASE_URL"] == "of-the-application"
    assert "of-the-owner" not in given.values()


async def _read_by_nobody(pid: int, file: str) -> tuple[bytes, bytes]:
    reader = await asyncio.create_subprocess_exec(
        "/bin/cat",
        f"/proc/{pid}/{file}",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
    )
    return await reader.communicate()


def _environ(proc: Path) -> bytes:
    return (proc / "environ").read_bytes()


@asynccontextmanager
async def _running(
    *words: str, environment: dict[str, str], group: int | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NEO_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *words,
        env={**clean, **environment},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        group=group,
    )
    try:
        yield process
    finally:
        process.kill()
        await process.communicate()
