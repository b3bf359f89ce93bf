"""An engine, an API or a worker as a child that a test may kill, freeze and start again."""

import asyncio
import os
import signal

import psutil  # type: ignore[import-untyped, unused-ignore]

from neo.engines.processes.child import Child
from neo.engines.processes.supervise import Part
from support.forked import Forked

READY_SECONDS = 60
GONE_SECONDS = 30


class Running:
    """One process, kept by nobody: what a test kills stays dead until somebody starts it."""

    def __init__(self, part: Part, born: type[Child] | type[Forked] = Child) -> None:
        self.part = part
        self._born = born
        self._child: Child | Forked | None = None
        self._is_frozen = False
        self._starting: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        return self.part.name

    @property
    def pid(self) -> int:
        assert self._child is not None, f"{self.name} was never started"
        return self._child.pid

    @property
    def is_up(self) -> bool:
        if self._child is None:
            return False
        return psutil.pid_exists(self.pid) and psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE

    @property
    def is_ready(self) -> bool:
        return self.is_up and self._starting is not None and self._starting.done()

    def start_soon(self) -> None:
        """Begin to start it, unless it is up or starting."""
        if self._starting is not None and not self._starting.done():
            return
        if self.is_up and self._has_failed():
            # One that was not ready in time must not be in the way of the tests that follow.
            os.killpg(self.pid, signal.SIGKILL)
        if not self.is_up or self._has_failed():
            self._starting = asyncio.create_task(self._start())

    def _has_failed(self) -> bool:
        starting = self._starting
        return (
            starting is not None and starting.done() and (starting.cancelled() or bool(starting.exception()))
        )

    async def start(self) -> None:
        self.thaw()
        self.start_soon()
        if self._starting is not None:
            await asyncio.shield(self._starting)

    async def _start(self) -> None:
        self._child = await self._born.start(await self.part.prepare())
        self._is_frozen = False
        ready = asyncio.ensure_future(self.part.ready())
        ended = asyncio.ensure_future(self._child.exited())
        try:
            await asyncio.wait({ready, ended}, timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            assert ready.done(), f"{self.name} did not become ready"
            ready.result()
        finally:
            ready.cancel()
            ended.cancel()

    async def _give_up_starting(self) -> None:
        if self._starting is not None and not self._starting.done():
            # Not before there is a child: one that is being born would be forgotten.
            while self._child is None or not self.is_up:
                await asyncio.sleep(0.01)
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)

    async def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End it as a crash would, with all of its group."""
        await self._give_up_starting()
        if self.is_up:
            os.killpg(self.pid, number)
        await self.gone()

    async def terminate(self) -> None:
        """Ask it to stop, as a deploy does, and wait until it has."""
        await self._give_up_starting()
        if self.is_up:
            os.kill(self.pid, signal.SIGTERM)
        await self.gone()

    async def stop(self) -> None:
        await self._give_up_starting()
        self.thaw()
        if self._child is not None and self.is_up:
            await self._child.stop(asyncio.Event())

    async def gone(self) -> int:
        """Wait for its end; its exit code, negative for a signal."""
        assert self._child is not None
        async with asyncio.timeout(GONE_SECONDS):
            return await self._child.exited()

    async def restart(self) -> None:
        await self.kill()
        await self.start()

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)
        self._is_frozen = True

    def thaw(self) -> None:
        if self._is_frozen:
            os.kill(self.pid, signal.SIGCONT)
            self._is_frozen = False
