"""Keeps parts alive: started side by side, restarted with backoff, stopped in order."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from neo.engines.errors import EngineDidNotStart
from neo.engines.process import Child, Command
from neo.engines.running import Mark
from neo.errors import Failure

log = structlog.get_logger(__name__)

# The first restart is at once to the eye; the last keeps a broken part from burning a processor.
BACKOFF_FIRST_SECONDS = 0.2
BACKOFF_LONGEST_SECONDS = 10.0
# A part that lived this long was well, and its next fall is a new one.
WELL_SECONDS = 30.0
# A recovery after a crash may read much of the log; a part that takes longer is stuck.
READY_SECONDS = 60.0
# A part that never came up and failed this often has a fault that a further try does not cure.
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
    ready: Callable[[], Awaitable[None]]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Watcher:
    """Who is told about parts as they come up, and about each change of processes."""

    came_up: Callable[[str, float], None] = lambda _name, _seconds: None
    changed: Callable[[Mapping[str, Mark]], None] = lambda _marks: None


@dataclass
class _Kept:
    part: Part
    up: asyncio.Event = field(default_factory=asyncio.Event)
    first: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    child: Child | None = None
    keeper: asyncio.Task[None] | None = None
    log: Path | None = None
    failures: int = 0


class Supervisor:
    """Parts by name; stopped in the reverse of the order they were given in."""

    def __init__(self, parts: Sequence[Part], watcher: Watcher) -> None:
        self._kept = {part.name: _Kept(part) for part in parts}
        self._watcher = watcher
        self._born = time.monotonic()
        self.hurry = asyncio.Event()
        self.pids: dict[str, int] = {}

    def start(self) -> None:
        for kept in self._kept.values():
            kept.keeper = asyncio.create_task(self._keep(kept), name=f"keep-{kept.part.name}")
            kept.keeper.add_done_callback(lambda task, kept=kept: _give_up_on_bug(kept, task))

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
                await kept.child.stop(self.hurry)
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
            born = time.monotonic()
            self._report(kept, await self._live(kept), delay)
            if time.monotonic() - born > WELL_SECONDS:
                delay = BACKOFF_FIRST_SECONDS
            await asyncio.sleep(delay)
            delay = min(delay * 2, BACKOFF_LONGEST_SECONDS)

    async def _live(self, kept: _Kept) -> str:
        """One life of a part; returns how it ended."""
        try:
            command = await kept.part.prepare()
            kept.log = command.log
            await self._spawn(kept, command)
        except Failure as refusal:
            _fail_first(kept, refusal)
            return refusal.message
        except OSError as trouble:
            return f"{kept.part.name} could not be started: {trouble}"
        assert kept.child is not None  # noqa: S101
        ended = asyncio.create_task(kept.child.exited())
        try:
            return await self._see_it_through(kept, ended)
        finally:
            ended.cancel()
            kept.up.clear()

    async def _spawn(self, kept: _Kept, command: Command) -> None:
        # A cancellation between the fork and this assignment would leave a child that nobody stops.
        starting = asyncio.ensure_future(Child.start(command))
        try:
            kept.child = await asyncio.shield(starting)
        except asyncio.CancelledError:
            kept.child = await starting
            raise
        finally:
            self._announce(kept)

    async def _see_it_through(self, kept: _Kept, ended: asyncio.Task[int]) -> str:
        readiness = asyncio.create_task(kept.part.ready())
        await asyncio.wait({readiness, ended}, timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not readiness.done():
            readiness.cancel()
            how = f"was not ready within {READY_SECONDS:.0f} s" if not ended.done() else ""
        else:
            how = ""
            readiness.result()
            self._note_up(kept)
        if how and kept.child:
            await kept.child.stop(self.hurry)
        code = await ended
        self._forget(kept)
        return how or _ending(code)

    def _note_up(self, kept: _Kept) -> None:
        kept.up.set()
        kept.failures = 0
        if not kept.first.done():
            kept.first.set_result(None)
            self._watcher.came_up(kept.part.name, time.monotonic() - self._born)

    def _report(self, kept: _Kept, how: str, delay: float) -> None:
        kept.failures += 1
        lines = tail(kept.log) if kept.log else ""
        log.warning("part_ended", part=kept.part.name, how=how, restart_seconds=delay, last_lines=lines)
        if kept.failures >= FIRST_STARTS_MAX:
            _fail_first(kept, EngineDidNotStart(f"{kept.part.name} does not start: it {how}. Its log ends:\n{lines}"))

    def _announce(self, kept: _Kept) -> None:
        if kept.child is not None:
            self.pids[kept.part.name] = kept.child.pid
            self._tell()

    def _forget(self, kept: _Kept) -> None:
        kept.child = None
        self.pids.pop(kept.part.name, None)
        self._tell()

    def _tell(self) -> None:
        children = {name: kept.child for name, kept in self._kept.items()}
        self._watcher.changed({name: child.mark for name, child in children.items() if child and child.mark})


@contextlib.asynccontextmanager
async def supervised(parts: Sequence[Part], watcher: Watcher) -> AsyncIterator[Supervisor]:
    """Start the parts, and stop them in order when the block ends, however it ends."""
    supervisor = Supervisor(parts, watcher)
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


def _ending(code: int) -> str:
    return f"was ended by signal {-code}" if code < 0 else f"exited with status {code}"


def _fail_first(kept: _Kept, failure: Exception) -> None:
    if not kept.first.done():
        kept.first.set_exception(failure)
        # Read once here, so that nobody has to wait for a part that nobody waits for.
        kept.first.exception()


def _give_up_on_bug(kept: _Kept, task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (bug := task.exception()) is not None:
        log.error("supervision_ended", part=kept.part.name, exc_info=bug)
        _fail_first(kept, bug if isinstance(bug, Exception) else RuntimeError(str(bug)))
