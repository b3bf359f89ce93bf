"""Runs the worker's process."""

import asyncio
import os
import signal
from collections.abc import Callable

import structlog

from neo.db import trusted
from neo.errors import Failure
from neo.instrumentation import instrumented
from neo.kit import freeze_loaded, keep_running
from neo.process_start import settings_at_start
from neo.resources import Resources, open_resources
from neo.settings import Settings
from neo.worker import TurnWorker

log = structlog.get_logger()


def run_worker() -> int:
    settings = settings_at_start()
    code = asyncio.run(_work(settings))
    # A Temporal client's threads can abort the interpreter at its exit (sdk-python issue 300).
    os._exit(code)


async def _work(settings: Settings) -> int:
    resources = open_resources(settings)
    try:
        async with instrumented(settings.telemetry, resources, process="neo-worker"):
            return await _run(resources, TurnWorker(resources, settings))
    finally:
        await resources.aclose()


async def _run(resources: Resources, worker: TurnWorker) -> int:
    stopping = asyncio.Event()
    for sig in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sig, stopping.set)
    working = asyncio.create_task(_prepared(resources, worker))
    stopped = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        worker.stop()
        if not worker.is_up:
            working.cancel()
        await asyncio.gather(working, return_exceptions=not working.done())
    except Failure as failure:
        log.critical("refused_to_start", code=failure.code, reason=failure.message)
        return 1
    finally:
        stopped.cancel()
    return 0


async def _prepared(resources: Resources, worker: TurnWorker) -> None:
    await trusted(resources.database, on_wait=_once_each())
    async with asyncio.TaskGroup() as group:
        background = [
            group.create_task(keep_running("connect", resources.temporal.connect)),
            group.create_task(keep_running("sweep", resources.sweeper.run)),
            group.create_task(keep_running("orphans", resources.orphans.run)),
        ]
        freeze_loaded()
        await worker.run()
        for task in background:
            task.cancel()


def _once_each() -> Callable[[str], None]:
    """Log what is waited for, once each time that it changes: the database is tried many times a second."""
    logged: str | None = None

    def log_change(problem: str) -> None:
        nonlocal logged
        if problem != logged:
            log.info("worker_waits", reason=problem)
        logged = problem

    return log_change
