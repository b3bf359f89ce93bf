"""Servers of ours as supervised parts: the small local model, and the scripted model and MCP server for tests."""

import os
import signal
import sys
from pathlib import Path

from neo.engines.data_folder.layout import DataFolder
from neo.engines.ports import LOOPBACK
from neo.engines.processes.child import Command, bare_environment
from neo.engines.processes.probe import http_status, until
from neo.engines.processes.supervise import Part

# They have no state to save, so they may be killed soon.
STOP_SECONDS = 3.0
# A model uses every processor it can get; API and worker come first.
NICENESS = 5
HEALTHY = 200


def local_model_part(folder: DataFolder, port: int) -> Part:
    return _part("model", "neo.engines.local_model", folder, port, niceness=NICENESS)


def scripted_model_part(folder: DataFolder, port: int) -> Part:
    return _part("scripted", "neo.engines.scripted_model", folder, port)


def scripted_mcp_part(folder: DataFolder, port: int) -> Part:
    return _part("scripted-mcp", "neo.engines.scripted_mcp", folder, port)


def _part(name: str, module: str, folder: DataFolder, port: int, *, niceness: int = 0) -> Part:
    command = Command(
        argv=(sys.executable, "-m", module, "--port", str(port)),
        env=_environment(),
        log=folder.log(name),
        stop_signal=signal.SIGTERM,
        death_signal=signal.SIGKILL,
        stop_seconds=STOP_SECONDS,
        folder=Path.cwd(),
        niceness=niceness,
    )

    async def prepare() -> Command:
        return command

    async def ready() -> None:
        await until(lambda: _is_healthy(port))

    return Part(name=name, prepare=prepare, ready=ready)


async def _is_healthy(port: int) -> bool:
    return await http_status(LOOPBACK, port, "/health") == HEALTHY


def _environment() -> dict[str, str]:
    return bare_environment() | {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
