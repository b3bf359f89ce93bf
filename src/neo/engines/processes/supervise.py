"""Keeps parts alive: started side by side, restarted with backoff, stopped in order."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from neo.engines.data_folder.running import Mark
from neo.engines.errors import EngineDidNotStart
from neo.engines.processes.child import Child, Command
from neo.engines.processes.report import warn
from neo.errors import Failure

# The first restart seems immediate; the last keeps a part that always fails from using a whole processor.
BACKOFF_FIRST_SECONDS = 0.2
BACKOFF_LONGEST_SECONDS = 10.0
# A part that served this long was healthy, and its next failure starts the backoff anew.
HEALTHY_SECONDS = 3.0
# A recovery after a crash may read a gigabyte of log; a part that takes longer than this is stuck.
READY_SECONDS = 300.0
# A part that never came up and failed this often will not come up by another try.
FIRST_STARTS_MAX = 3
TAIL_LINES = 12
TAIL_BYTES = 4096


@dataclass(frozen=True, kw_only=True)
class Part:
    """One supervised process."""

    name: str
    # Runs before each start, and may clear away what a crash left.
    prepare: Callable[[], Awaitable[Command]]
    # Returns when the part serves; the supervisor bounds it.
    ready: Callable[[], Coroutine[Any, Any, None]]
    ready_seconds: float | None = READY_SECONDS
    needs: tuple[str, ...] = ()


def _ignore_up(_name: str, _seconds: float) -> None: ...


def _ignore_change(_marks: Mapping[str, Mark]) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Watcher:
    """Callbacks: a part came up for the first time; the set of processes changed."""

    came_up: Callable[[str, float], None] = _ignore_up
    changed: Callable[[Mapping[str, Mark]], None] = _ignore_change


@dataclass
class _Kept:
    part: Part
    up: asyncio.Event = field(default_factory=asyncio.Event)
    first: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    child: Child | None = None
    keeper: asyncio.Task[None] | None = None
    log: Path | None = None
    failures: int = 0
    up_at: float | None = None


class Supervisor:
    """Parts by name; stopped in the reverse of the order they were given in."""

    def __init__(
        self, parts: Sequence[Part], watcher: Watcher, stop_now: asyncio.Event | None = None
    ) -> None:
        self._kept = {part.name: _Kept(part) for part in parts}
        self._watcher = watcher
        self.started_at = time.monotonic()
        # Once it is set, a stop does not wait for a part's own stop time.
        self._stop_now = stop_now or asyncio.Event()
        self.pids: dict[str, int] = {}

    def start(self) -> None:
        for kept in self._kept.values():
            kept.keeper = asyncio.create_task(self._keep(kept), name=f"keep-{kept.part.name}")
            kept.keeper.add_done_callback(partial(_give_up_on_bug, kept))

    async def up(self, name: str) -> None:
        """Wait until the part has been up once; raises when it cannot get there."""
        await asyncio.shield(self._kept[name].first)

    async def stop(self) -> None:
        """Last in, first out; each stays supervised until its turn comes."""
        for kept in reversed(self._kept.values()):
            if kept.keeper is not None:
                kept.keeper.cancel()
                await asyncio.wait({kept.keeper})
            if kept.child is not None:
                await kept.child.stop(self._stop_now)
                self._forget(kept)

    def down(self) -> list[str]:
        """The parts that are not up at this moment."""
        return [name for name, kept in self._kept.items() if not kept.up.is_set()]

    def last_lines(self, name: str) -> str:
        kept = self._kept[name]
        return tail(kept.log) if kept.log else ""

    async def _keep(self, kept: _Kept) -> None:
        for need in kept.part.needs:
            await self._kept[need].up.wait()
        delay = BACKOFF_FIRST_SECONDS
        while True:
            kept.up_at = None
            how = await self._run_once(kept)
            if kept.up_at is not None and time.monotonic() - kept.up_at > HEALTHY_SECONDS:
                delay = BACKOFF_FIRST_SECONDS
            self._report(kept, how, delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, BACKOFF_LONGEST_SECONDS)

    async def _run_once(self, kept: _Kept) -> str:
        """Run the part's process once; returns how it ended."""
        try:
            command = await kept.part.prepare()
            kept.log = command.log
            child = await self._spawn(kept, command)
        except Failure as refusal:
            _fail_first(kept, refusal)
            return refusal.message
        except OSError as trouble:
            return f"{kept.part.name} could not be started: {trouble}"
        how = await self._watch(kept, child)
        self._forget(kept)
        return how

    async def _spawn(self, kept: _Kept, command: Command) -> Child:
        starting = asyncio.ensure_future(Child.start(command))
        try:
            await asyncio.shield(starting)
        finally:
            # A cancellation must not lose a child that is being started: nobody would stop it.
            kept.child = await starting
            self._announce(kept)
        return kept.child

    async def _watch(self, kept: _Kept, child: Child) -> str:
        readiness = asyncio.create_task(kept.part.ready())
        ended = asyncio.create_task(child.exited())
        seconds = kept.part.ready_seconds
        try:
            await asyncio.wait({readiness, ended}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            late = not readiness.done() and not ended.done()
            if late:
                await child.stop(self._stop_now)
            elif not ended.done():
                readiness.result()
                self._note_up(kept)
            code = await ended
            return f"was not ready within {seconds:.0f} s" if late else _ending(code)
        finally:
            readiness.cancel()
            ended.cancel()
            kept.up.clear()

    def _note_up(self, kept: _Kept) -> None:
        kept.up.set()
        kept.up_at = time.monotonic()
        kept.failures = 0
        if not kept.first.done():
            kept.first.set_result(None)
            self._watcher.came_up(kept.part.name, time.monotonic() - self.started_at)

    def _report(self, kept: _Kept, how: str, delay: float) -> None:
        kept.failures += 1
        lines = tail(kept.log) if kept.log else ""
        warn("part_ended", part=kept.part.name, how=how, restart_seconds=delay, last_lines=lines)
        if kept.failures >= FIRST_STARTS_MAX:
            _fail_first(kept, did_not_start(kept.part.name, how, lines))

    def _announce(self, kept: _Kept) -> None:
        if kept.child is not None:
            self.pids[kept.part.name] = kept.child.pid
            self._notify()

    def _forget(self, kept: _Kept) -> None:
        kept.child = None
        self.pids.pop(kept.part.name, None)
        self._notify()

    def _notify(self) -> None:
        children = {name: kept.child for name, kept in self._kept.items()}
        self._watcher.changed({name: child.mark for name, child in children.items() if child and child.mark})


@contextlib.asynccontextmanager
async def supervised(
    parts: Sequence[Part], watcher: Watcher, stop_now: asyncio.Event | None = None
) -> AsyncIterator[Supervisor]:
    """Start the parts, and stop them in order when the block ends, however it ends."""
    supervisor = Supervisor(parts, watcher, stop_now)
    supervisor.start()
    try:
        yield supervisor
    finally:
        await supervisor.stop()


def tail(path: Path) -> str:
    """The last lines of a log."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-TAIL_LINES:])


def did_not_start(name: str, how: str, last_lines: str) -> EngineDidNotStart:
    return EngineDidNotStart(f"{name} does not start: it {how}. Its log ends:\n{last_lines}")


def _ending(code: int) -> str:
    return f"was ended by signal {-code}" if code < 0 else f"exited with status {code}"


def _fail_first(kept: _Kept, failure: Exception) -> None:
    if not kept.first.done():
        kept.first.set_exception(failure)
        # An exception that is never read makes asyncio warn, and perhaps nobody waits for this part.
        kept.first.exception()


def _give_up_on_bug(kept: _Kept, task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (bug := task.exception()) is not None:
        warn("supervision_ended", part=kept.part.name, exc_info=bug)
        _fail_first(kept, bug if isinstance(bug, Exception) else RuntimeError(str(bug)))
