"""Watches the engines: one log line when an engine goes down and one when it is back, and a gauge."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from neo.meta.health import Engines
from neo.telemetry import engine_metrics

log = structlog.get_logger()

LOOK_SECONDS = 2.0
# One ping without an answer may be a busy moment of our own; two in a row mean that the engine is down.
SILENT_LOOKS = 2


@dataclass(slots=True)
class _Seen:
    silent_since: float | None = None
    silent_looks: int = 0
    is_down: bool = False


class EngineWatch:
    """Every process has its own: another may reach an engine that this one cannot. `clock` gives monotonic seconds."""

    def __init__(self, engines: Engines, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._engines = engines
        self._clock = clock
        self._seen: dict[str, _Seen] = {}

    async def run(self) -> None:
        while True:
            # The wait comes first: engines that start together with this process are not down.
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()

    async def look(self) -> None:
        asked_at = self._clock()
        for engine, state in (await self._engines.states()).items():
            seen = self._seen.setdefault(engine, _Seen())
            if state == "up":
                self._hear(engine, seen)
            else:
                self._miss(engine, seen, asked_at)
            engine_metrics.engine_is(engine, up=not seen.is_down)

    def _hear(self, engine: str, seen: _Seen) -> None:
        if seen.is_down and seen.silent_since is not None:
            log.warning("engine_back", engine=engine, seconds=round(self._clock() - seen.silent_since, 1))
        seen.silent_since, seen.silent_looks, seen.is_down = None, 0, False

    def _miss(self, engine: str, seen: _Seen, asked_at: float) -> None:
        seen.silent_looks += 1
        seen.silent_since = asked_at if seen.silent_since is None else seen.silent_since
        if seen.silent_looks >= SILENT_LOOKS and not seen.is_down:
            seen.is_down = True
            log.error("engine_down", engine=engine)
