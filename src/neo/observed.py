"""What watches a process from the side: its engines, its metrics on a port of their own, its traces."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager

import structlog

from neo.kit import kept_going
from neo.meta import Engines, EngineWatch
from neo.resources import Resources
from neo.settings import TelemetrySettings
from neo.telemetry import measure_loop_lag, traces
from neo.turns.outbox import OutboxWatch

log = structlog.get_logger()

Work = tuple[str, Callable[[], Awaitable[None]]]
# A wait of a driver's may swallow the cancel once; the process ends in a moment anyway.
LEAVE_SECONDS = 2.0


@asynccontextmanager
async def observed(settings: TelemetrySettings, resources: Resources, *, process: str) -> AsyncIterator[None]:
    """For the length of the block; `process` is what the traces call this one."""
    engines = Engines(resources.database, resources.valkey, resources.temporal)
    watched: list[Work] = [("engine_watch", EngineWatch(engines).run)]
    with ExitStack() as stack:
        stack.enter_context(traces.tracing(settings.otlp_endpoint, process=process))
        if settings.metrics_port:
            watched += _metrics(stack, settings, resources)
        tasks = [asyncio.create_task(kept_going(name, work)) for name, work in watched]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=LEAVE_SECONDS)


def _metrics(stack: ExitStack, settings: TelemetrySettings, resources: Resources) -> list[Work]:
    from neo.telemetry.metrics_server import metrics_served  # noqa: PLC0415 - only where it is asked for.

    port = stack.enter_context(metrics_served(settings.metrics_host, settings.metrics_port))
    log.info("metrics_served", host=settings.metrics_host, port=port)
    return [("loop_lag", measure_loop_lag), ("outbox_watch", OutboxWatch(resources.database).run)]
