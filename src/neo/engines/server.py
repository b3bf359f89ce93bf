"""The server (API and worker in one process) as the part that starts with the engines and stops first."""

import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from neo.engines.data_folder.layout import DataFolder
from neo.engines.processes.child import Command
from neo.engines.processes.probe import http_answer, until
from neo.engines.processes.supervise import Part

READY_PATH = "/public-api/ready"
READY = b'"status":"ready"'
# The server bounds its drain itself; the margin is for closing its connections afterwards.
DRAIN_SECONDS = 12.0
DRAIN_MARGIN_SECONDS = 5.0
# A server that listens on all addresses is probed on the loopback.
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


def server_argv(host: str, port: int) -> tuple[str, ...]:
    return (sys.executable, "-m", "neo", "api", "--with-worker", "--host", host, "--port", str(port))


def server_part(
    folder: DataFolder,
    argv: tuple[str, ...],
    environment: Mapping[str, str],
    *,
    host: str,
    port: int,
) -> Part:
    drain_seconds = float(environment.get("NEO_DRAIN_SECONDS") or DRAIN_SECONDS)
    command = Command(
        argv=argv,
        env=environment,
        log=folder.log("server"),
        stop_signal=signal.SIGTERM,
        # Its engines end with the same parent, so a drain would be in vain.
        death_signal=signal.SIGKILL,
        stop_seconds=drain_seconds + DRAIN_MARGIN_SECONDS,
        folder=Path.cwd(),
    )

    async def prepare() -> Command:
        return command

    async def ready() -> None:
        await until(lambda: _is_ready(ANYWHERE.get(host, host), port))

    # No bound: while an engine is away the server is not ready, and a restart would not help.
    return Part(name="server", prepare=prepare, ready=ready, ready_seconds=None)


async def _is_ready(host: str, port: int) -> bool:
    # The API answers before the worker is up; "ready" must mean that turns run at once.
    return READY in await http_answer(host, port, READY_PATH)
