"""What operators see of a process: the state of its engines, its metrics on a port of their own, its traces."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager

import structlog

from neo.kit import keep_running
from neo.meta import Engines, EngineWatch
from neo.resources import Resources
from neo.settings import TelemetrySettings
from neo.telemetry import measure_loop_lag, traces
from neo.telemetry.metrics_server import metrics_served
from neo.turns.processes import ProcessWatch

log = structlog.get_logger()

Work = tuple[str, Callable[[], Awaitable[None]]]
# A driver may swallow the cancellation once; the process ends in a moment anyway.
LEAVE_SECONDS = 2.0


@asynccontextmanager
async def instrumented(
    settings: TelemetrySettings, resources: Resources, *, process: str
) -> AsyncIterator[None]:
    """Watch this process for the length of the block; traces name it `process`."""
    engines = Engines(resources.database, resources.valkey, resources.temporal)
    watched: list[Work] = [("engine_watch", EngineWatch(engines).run)]
    with ExitStack() as stack:
        stack.enter_context(traces.tracing(settings.otlp_endpoint, process=process))
        if settings.metrics_port:
            watched += _metrics(stack, settings, resources)
        tasks = [asyncio.create_task(keep_running(name, work)) for name, work in watched]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=LEAVE_SECONDS)


def _metrics(stack: ExitStack, settings: TelemetrySettings, resources: Resources) -> list[Work]:
    port = stack.enter_context(metrics_served(settings.metrics_host, settings.metrics_port))
    log.info("metrics_served", host=settings.metrics_host, port=port)
    return [("loop_lag", measure_loop_lag), ("outbox_watch", ProcessWatch(resources.database).run)]
