"""Other programs that are measured beside Neo: started, asked whether they are well, ended."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

from bench.http_connection import HttpConnection, RefusedError, request

HEALTHY_SECONDS = 90.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.02


def end_on_sigterm() -> None:
    """Cancel this task when asked to end, so that no server of ours is left behind; Ctrl-C does so already."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


async def told(module: str, *arguments: str) -> dict[str, Any]:
    """The JSON that a module of ours prints, run as a program of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    return dict(json.loads(said))


@asynccontextmanager
async def serving(
    argv: Sequence[str], port: int, health: str, *, log: Path, folder: Path, environment: Mapping[str, str]
) -> AsyncIterator[tuple[int, float]]:
    """A server's pid, and how many seconds it took to answer."""
    began = perf_counter()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NEO_")}
    with log.open("ab") as file:
        process = await asyncio.create_subprocess_exec(
            *argv, env={**clean, **environment}, cwd=folder, stdout=file, stderr=file
        )
    try:
        await _until_well(process, port, health)
        yield process.pid, perf_counter() - began
    finally:
        await _end(process)


async def _until_well(process: asyncio.subprocess.Process, port: int, health: str) -> None:
    async with asyncio.timeout(HEALTHY_SECONDS):
        while process.returncode is None:
            try:
                connection = await HttpConnection.open(port)
                await connection.ask(request("GET", health, "Connection: close"))
            except (OSError, RefusedError):
                await asyncio.sleep(POLL_SECONDS)
            else:
                connection.close()
                return
    raise ChildProcessError("The server ended before it was up: its log says why.")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
