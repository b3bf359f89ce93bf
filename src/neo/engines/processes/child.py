"""One child process: its own session, a death signal, a bounded log and a bounded stop."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from neo.engines.data_folder.running import Mark, mark_of

PR_SET_PDEATHSIG = 1
# A log is for the last days' trouble, not an archive; with its predecessor it stays under 20 MB.
LOG_BYTES_MAX = 10 * 1024 * 1024
# A kill takes effect at once, except for a process that is blocked in the disk.
KILL_SECONDS = 5.0
# After a second Ctrl-C nobody wants to wait, and every engine recovers from a kill.
STOP_NOW_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Account:
    """The operating system's user that a child runs as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, kw_only=True)
class Command:
    """How a child is started and stopped."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    log: Path
    stop_signal: signal.Signals
    # Sent by the kernel when the parent is gone.
    death_signal: signal.Signals
    stop_seconds: float
    account: Account | None = None
    # Its `nice` value: how much it yields to the others when processors are short.
    niceness: int = 0
    folder: Path = Path("/")


def bare_environment() -> dict[str, str]:
    """The variables of our environment that an engine may have: no keys and no secrets."""
    names = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    return {name: os.environ[name] for name in names if name in os.environ}


class Child:
    """A started process and its group."""

    def __init__(self, process: asyncio.subprocess.Process, command: Command) -> None:
        self._process = process
        self._command = command
        self._swept = False
        self.pid = process.pid
        self.mark: Mark | None = mark_of(process.pid)

    @classmethod
    async def start(cls, command: Command) -> "Child":
        account = command.account
        with _open_log(command.log) as log:
            process = await asyncio.create_subprocess_exec(
                *command.argv,
                env=dict(command.env),
                cwd=command.folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
                preexec_fn=_before_exec(command),
            )
        return cls(process, command)

    async def exited(self) -> int:
        """Wait for the end of the process, and end what it left in its group."""
        code = await self._process.wait()
        # Once only: later, another process group may have this id.
        if not self._swept:
            self._swept = True
            _signal_group(self.pid, signal.SIGKILL)
        return code

    async def stop(self, stop_now: asyncio.Event) -> None:
        """Ask, wait, kill. Once `stop_now` is set, the wait is short."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(self._command.stop_signal)
        ended = asyncio.create_task(self.exited())
        pressed = asyncio.create_task(stop_now.wait())
        already = stop_now.is_set()
        seconds = min(STOP_NOW_SECONDS, self._command.stop_seconds) if already else self._command.stop_seconds
        waits = {ended} if already else {ended, pressed}
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        pressed.cancel()
        if not ended.done():
            _signal_group(self.pid, signal.SIGKILL)
        await asyncio.wait({ended}, timeout=KILL_SECONDS)


def _signal_group(pid: int, number: signal.Signals) -> None:
    # macOS answers EPERM for a group with nothing but a zombie in it.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _open_log(path: Path) -> IO[bytes]:
    if path.exists() and path.stat().st_size > LOG_BYTES_MAX:
        path.replace(path.with_suffix(".log.1"))
    # Engines log file names and addresses: only the owner may read them.
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def _before_exec(command: Command) -> Callable[[], None]:
    """What the child runs before exec, and after the change of user, which would clear the death signal."""
    # Looked up here, because a fork of a process with threads must not take the loader's lock.
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
    parent = os.getpid()

    def settle_in() -> None:
        os.nice(command.niceness)
        if prctl is not None:
            prctl(PR_SET_PDEATHSIG, int(command.death_signal), 0, 0, 0)
        # The parent may have died before the kernel was asked.
        if os.getppid() != parent:
            os._exit(1)

    return settle_in
