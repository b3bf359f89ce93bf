"""Watches the engines: one log line when an engine goes down and one when it is back, and a gauge."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from neo.meta.health import Engines
from neo.telemetry import process_metrics

log = structlog.get_logger()

PING_SECONDS = 2.0
# One ping without an answer may be a busy moment of our own; two in a row mean that the engine is down.
SILENT_PINGS = 2


@dataclass(slots=True)
class _EngineState:
    silent_since: float | None = None
    silent_pings: int = 0
    is_down: bool = False


class EngineWatch:
    """Every process has its own: another may reach an engine that this one cannot. `clock` gives monotonic seconds."""

    def __init__(self, engines: Engines, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._engines = engines
        self._clock = clock
        self._engine_states: dict[str, _EngineState] = {}

    async def run(self) -> None:
        while True:
            # The wait comes first: engines that start together with this process are not down.
            await asyncio.sleep(PING_SECONDS)
            await self.ping()

    async def ping(self) -> None:
        asked_at = self._clock()
        for engine, state in (await self._engines.states()).items():
            engine_state = self._engine_states.setdefault(engine, _EngineState())
            if state == "up":
                self._answered(engine, engine_state)
            else:
                self._silent(engine, engine_state, asked_at)
            process_metrics.engine_up.labels(engine).set(not engine_state.is_down)

    def _answered(self, engine: str, engine_state: _EngineState) -> None:
        if engine_state.is_down and engine_state.silent_since is not None:
            log.warning(
                "engine_back", engine=engine, seconds=round(self._clock() - engine_state.silent_since, 1)
            )
        engine_state.silent_since, engine_state.silent_pings, engine_state.is_down = None, 0, False

    def _silent(self, engine: str, engine_state: _EngineState, asked_at: float) -> None:
        engine_state.silent_pings += 1
        engine_state.silent_since = (
            asked_at if engine_state.silent_since is None else engine_state.silent_since
        )
        if engine_state.silent_pings >= SILENT_PINGS and not engine_state.is_down:
            engine_state.is_down = True
            log.error("engine_down", engine=engine)
