"""A `neo serve` in a process of its own, and what to look at from outside."""

import asyncio
import contextlib
import json
import signal
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import psutil  # type: ignore[import-untyped, unused-ignore]

SERVE = Path(__file__).parent / "serve_with_stand_in.py"
HEALTHY_SECONDS = 30.0
STOP_SECONDS = 20.0

Serve = Callable[..., Awaitable["Served"]]


class Served:
    """A `neo serve` in a process of its own, with a file server in the place of API and worker."""

    def __init__(self, process: Process, said: dict[str, Any], errors: str) -> None:
        self.process = process
        self.said = said
        self.errors = errors

    @property
    def children(self) -> list[psutil.Process]:
        return [process(pid) for name, pid in self.said["pids"].items() if name != "serve"]

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        async with asyncio.timeout(STOP_SECONDS):
            await self.process.communicate()
        return self.process.returncode or 0


def process(pid: int) -> psutil.Process:
    return psutil.Process(pid)


async def gone(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that are still there after the given time."""
    _, alive = await asyncio.to_thread(psutil.wait_procs, processes, timeout=seconds)
    # In a container without an init, nobody collects an orphan: a zombie is gone too.
    return [one for one in alive if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


async def healthy(process: Process) -> Served:
    """Wait for the line that says so, or for the end with what it said about it."""
    assert process.stdout is not None
    async with asyncio.timeout(HEALTHY_SECONDS):
        line = await process.stdout.readline()
    if line:
        return Served(process, json.loads(line), "")
    _, errors = await process.communicate()
    return Served(process, {}, errors.decode())


async def connect(url: str) -> asyncpg.Connection:
    return await asyncpg.connect(url.replace("+asyncpg", ""))
