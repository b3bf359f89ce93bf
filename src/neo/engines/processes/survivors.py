"""Ends the processes that a killed parent left running on a data folder."""

import contextlib
import os
import signal
from pathlib import Path

import psutil  # type: ignore[import-untyped, unused-ignore]

from neo.engines.data_folder.running import find_process, last_record
from neo.engines.processes.report import warn

# PostgreSQL writes a checkpoint before it exits; the others exit within a second.
SURVIVOR_SECONDS = 8.0
KILLED_SECONDS = 5.0
# The fast shutdown of PostgreSQL; on SIGTERM it would wait for its clients.
STOP_SIGNALS = {"postgres": signal.SIGINT, "server": signal.SIGKILL}


def end_survivors(folder: Path) -> None:
    """End the processes of the last record that still run: pid and start time must both match."""
    record = last_record(folder)
    if record is None:
        return
    found = {name: find_process(mark) for name, mark in record.children.items()}
    alive = {name: process for name, process in found.items() if process is not None}
    for name, process in alive.items():
        warn("engine_survived_its_parent", part=name, pid=process.pid)
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(STOP_SIGNALS.get(name, signal.SIGTERM))
    _, stubborn = psutil.wait_procs(list(alive.values()), timeout=SURVIVOR_SECONDS)
    kill(stubborn)


def kill(processes: list[psutil.Process]) -> None:
    """Kill each with its group, and wait until they are gone."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=KILLED_SECONDS)
