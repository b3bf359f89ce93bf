"""The `neo` command as a process of its own."""

import asyncio
import os
import sys
from dataclasses import dataclass

COMMAND_SECONDS = 60


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    stderr: str


async def started(*words: str, **environment: str) -> asyncio.subprocess.Process:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NEO_")}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "neo", *words),
        env={**clean, **environment},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def ended(process: asyncio.subprocess.Process, typed: str = "") -> Ended:
    out, stderr = await asyncio.wait_for(process.communicate(typed.encode()), COMMAND_SECONDS)
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), stderr.decode())


async def neo(*words: str, typed: str = "", **environment: str) -> Ended:
    return await ended(await started(*words, **environment), typed)
