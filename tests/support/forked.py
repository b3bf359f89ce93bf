"""Neo's processes, forked from one that has imported Neo: imports are most of a start, and tests start hundreds."""

import asyncio
import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from neo.engines.processes.child import KILL_SECONDS, PR_SET_PDEATHSIG, Command

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["pytest", "neo.cli", "neo.api_process", "neo.worker_process"])
LINUX_LIBRARY = ctypes.CDLL(None) if sys.platform == "linux" else None
BORN_SECONDS = 90
STOP_SECONDS = 20
# Where the words begin, behind `python -m neo`.
NEO = 3


def neo_in(log: Path, environment: Mapping[str, str], *words: str) -> Command:
    """`python -m neo` with these words, and everything that it says in this log."""
    return Command(
        argv=(sys.executable, "-m", "neo", *words),
        env=environment,
        log=log,
        stop_signal=signal.SIGTERM,
        death_signal=signal.SIGKILL,
        stop_seconds=STOP_SECONDS,
        folder=Path.cwd(),
    )


class Forked:
    """One `neo api` or `neo worker`, to be treated like an engine's `Child`."""

    def __init__(self, process: ForkServerProcess, command: Command) -> None:
        assert process.pid is not None
        self.pid: int = process.pid
        self._process = process
        self._command = command
        loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[int] = loop.create_future()
        loop.add_reader(process.sentinel, self._end)

    @classmethod
    async def start(cls, command: Command) -> "Forked":
        process = FORKS.Process(target=_be, args=(command,), daemon=True)
        # The first one waits for the server of forks.
        await asyncio.to_thread(process.start)
        child = cls(process, command)
        async with asyncio.timeout(BORN_SECONDS):
            while not child._has_its_own_group():
                await asyncio.sleep(0.002)
        return child

    @property
    def has_ended(self) -> bool:
        return self._ended.done()

    async def exited(self) -> int:
        """Wait for the end of the process; its exit code, negative for a signal."""
        return await asyncio.shield(self._ended)

    async def stop(self, _stop_now: asyncio.Event) -> None:
        """Ask, wait, kill."""
        if not self.has_ended:
            os.kill(self.pid, self._command.stop_signal)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.exited(), self._command.stop_seconds)
        if not self.has_ended:
            os.killpg(self.pid, signal.SIGKILL)
        await asyncio.wait_for(self.exited(), KILL_SECONDS)

    def _has_its_own_group(self) -> bool:
        return self.has_ended or os.getpgid(self.pid) == self.pid

    def _end(self) -> None:
        """End what it left in its group too, as the supervisor does."""
        asyncio.get_running_loop().remove_reader(self._process.sentinel)
        self._process.join()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._ended.set_result(self._process.exitcode or 0)


def _be(command: Command) -> None:
    os.setsid()
    if LINUX_LIBRARY is not None:
        LINUX_LIBRARY.prctl(PR_SET_PDEATHSIG, int(command.death_signal), 0, 0, 0)
    os.chdir(command.folder)
    log = os.open(command.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in (1, 2):
        os.dup2(log, number)
    become_neo(command.argv[NEO:], command.env)


def become_neo(words: tuple[str, ...], environment: Mapping[str, str]) -> None:
    """What `python -m neo` does, in a process that has just been forked."""
    from neo.cli import main

    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["neo", *words]
    main()
