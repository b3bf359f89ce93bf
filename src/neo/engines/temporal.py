"""Temporal as a supervised part: its development server on a database file."""

import asyncio
import os
import re
import shutil
import signal
import sys
import sysconfig
from pathlib import Path

from neo.engines.data_folder.layout import DataFolder
from neo.engines.installed import not_installed
from neo.engines.ports import LOOPBACK
from neo.engines.processes.child import Command, bare_environment
from neo.engines.processes.probe import speaks_http2, until
from neo.engines.processes.supervise import Part

STOP_SECONDS = 10.0
VERSION_SECONDS = 20.0
# SQLite checkpoints its log every 40 MB instead of every 4: a checkpoint waits for the disk, and took one in nine
# milliseconds of a workflow.
PRAGMAS = ("journal_mode=wal", "synchronous=normal", "wal_autocheckpoint=10000")
# One machine, one worker: fewer pollers and queues cost less and answer sooner.
SETTINGS = (
    "matching.numTaskqueueReadPartitions=1",
    "matching.numTaskqueueWritePartitions=1",
    "history.visibilityProcessorSchedulerWorkerCount=1",
    "history.transferProcessorSchedulerWorkerCount=4",
    "history.timerProcessorSchedulerWorkerCount=4",
    "worker.executionsScannerEnabled=false",
    "worker.taskQueueScannerEnabled=false",
    "worker.historyScannerEnabled=false",
    # A value is JSON, so a duration carries its quotes.
    'history.timerProcessorMaxTimeShift="50ms"',
    # A cancelled activity is notified at once, not with its next heartbeat.
    "frontend.WorkerCommandsEnabled=true",
    "system.enableCancelActivityWorkerCommand=true",
)


def temporal_part(folder: DataFolder, port: int) -> Part:
    program = installed_temporal()

    async def prepare() -> Command:
        file = folder.temporal(await _server_version(program))
        return Command(
            argv=(str(program), *_options(file, port)),
            env={**bare_environment(), "GOMAXPROCS": str(_processors())},
            log=folder.log("temporal"),
            stop_signal=signal.SIGTERM,
            # Its file survives a kill, and an orderly stop takes a second that the next start would wait for.
            death_signal=signal.SIGKILL,
            stop_seconds=STOP_SECONDS,
            folder=folder.path,
        )

    async def ready() -> None:
        # The port opens before the server serves; its HTTP/2 settings frame shows that it does.
        await until(lambda: speaks_http2(LOOPBACK, port))

    return Part(name="temporal", prepare=prepare, ready=ready)


def _processors() -> int:
    """Half of the processors: its single database writer keeps no more busy, and idle Go threads spin on the rest."""
    return max(1, (os.cpu_count() or 1) // 2)


def _options(file: Path, port: int) -> list[str]:
    where = ["--headless", "--ip", LOOPBACK, "--port", str(port), "--db-filename", str(file)]
    pragmas = [word for pragma in PRAGMAS for word in ("--sqlite-pragma", pragma)]
    settings = [word for setting in SETTINGS for word in ("--dynamic-config-value", setting)]
    return ["server", "start-dev", *where, "--log-level", "error", *pragmas, *settings]


def installed_temporal() -> Path:
    places = (sysconfig.get_path("scripts"), str(Path(sys.executable).parent))
    for place in places:
        if found := shutil.which("temporal", path=place):
            return Path(found)
    raise not_installed(["temporal"])


async def _server_version(program: Path) -> str:
    """The version of the Temporal server in the package, which determines the format of its file."""
    asking = await asyncio.create_subprocess_exec(
        program, "--version", stdout=asyncio.subprocess.PIPE, env=bare_environment()
    )
    async with asyncio.timeout(VERSION_SECONDS):
        said, _ = await asking.communicate()
    found = re.search(rb"Server (\d+\.\d+\.\d+)", said)
    return found.group(1).decode() if found else "unknown"
