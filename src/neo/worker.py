"""The composition root of what drives turns: places, claims, leases, and Temporal's worker."""

import asyncio
from datetime import timedelta
from importlib.metadata import version

import structlog
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from neo.attachments import Normaliser, Pixels
from neo.cage import MINIMUM, Cage
from neo.calls import Artifacts
from neo.connections import Clients
from neo.db import Database
from neo.kit import keep_running, loop_in_thread, run_in
from neo.resources import Resources, secret_keys
from neo.settings import Settings, plain
from neo.stops import DispatchRules
from neo.turns.leases.driver import Driver
from neo.turns.leases.lease import Leases, Renewal
from neo.turns.leases.runner import Runner
from neo.turns.prompt import ImageLoader
from neo.turns.segments.attempt import Answered
from neo.turns.segments.calls_segment import CallsSegment
from neo.turns.segments.model_segment import ModelSegment
from neo.turns.segments.settle import Settler
from neo.turns.temporal.advance import Advance
from neo.turns.temporal.start import WorkflowStarter
from neo.turns.temporal.workflow import TurnWorkflow
from neo.turns.wake_ups import WakeUps
from neo.vault import SecretKeyWrapping

log = structlog.get_logger()

# Turns wait no longer than this in the sticky queue of a worker that died.
STICKY = timedelta(seconds=1)
WORKFLOW_TASKS_MAX = 200
# An `advance` that waits for another process costs next to nothing; it takes no place.
ADVANCES_MAX = 5_000
# The last part of the drain is kept for giving up the turns that still stream.
GIVE_UP_SECONDS = 2.0


class TurnWorker:
    """Made in the main loop."""

    def __init__(self, resources: Resources, settings: Settings) -> None:
        self._resources = resources
        self._settings = settings
        # Where customers are, a stranger's bytes are decoded in a cage that holds, or not at all.
        self._cage = Cage(required=MINIMUM if settings.server.is_strict else ())
        self._stopping = asyncio.Event()
        self._up = asyncio.Event()
        database, places = resources.database, resources.places
        self._leases = Leases()
        self._renewal = Renewal(
            Database(plain(settings.database.database_url) or "", connections_max=2), self._leases, places
        )
        self._starter = WorkflowStarter(
            resources.temporal,
            settings.temporal.temporal_task_queue,
            after_seconds=settings.temporal.temporal_after_seconds,
        )
        self._settler = Settler(database, resources.ender)
        images = ImageLoader(Pixels(database, resources.blobs, Normaliser(self._cage)))
        rules = DispatchRules(**settings.calls.model_dump())
        artifacts = Artifacts(database, resources.blobs, settings.blobs.storage_bytes_max)
        driver = Driver(
            database,
            resources.valkey,
            self._leases,
            ModelSegment(
                database,
                resources.models,
                resources.events,
                Answered(self._settler),
                images,
                settings.server.turn_active_seconds,
            ),
            CallsSegment(database, resources.events, self._settler, artifacts, rules),
            Clients(database, resources.servers, SecretKeyWrapping(secret_keys(settings))),
            resources.ender,
            self._starter,
        )
        self._runner = Runner(database, places, self._leases, self._renewal, driver)

    @property
    def is_up(self) -> bool:
        return self._up.is_set()

    async def wait_until_up(self) -> None:
        await self._up.wait()

    async def run(self) -> None:
        """Drive turns until `stop` is called; then let the running ones end, or give them up to others."""
        places = self._resources.places
        wake_ups = WakeUps(
            self._resources.valkey, on_claimable=places.look.set, on_cancel=self._leases.cancel
        )
        wake_ups.start()
        async with loop_in_thread("temporal") as temporal_loop:
            renewing = asyncio.ensure_future(
                run_in(temporal_loop, keep_running("renewals", self._renewal.run))
            )
            background = [
                asyncio.create_task(self._renewal.tick()),
                asyncio.create_task(self._look_at_cage()),
                asyncio.create_task(keep_running("claims", self._runner.run)),
            ]
            supervising = asyncio.create_task(self._supervise(temporal_loop))
            places.open()
            self._up.set()
            log.info("worker_up", task_queue=self._settings.temporal.temporal_task_queue)
            await self._stopping.wait()
            await self._drain()
            await supervising
            for task in background:
                task.cancel()
            # Renewals stop last.
            renewing.cancel()
            await asyncio.gather(renewing, *background, return_exceptions=True)
            await run_in(temporal_loop, self._renewal.aclose())
        await wake_ups.aclose()

    async def _look_at_cage(self) -> None:
        if lacking := await self._cage.lacking():
            log.error(
                "cage_lacking", layers=lacking, effect="Images are not decoded. `neo doctor` says more."
            )

    async def _drain(self) -> None:
        seconds = self._settings.server.drain_seconds
        log.info("worker_drains", seconds=seconds)
        self._up.clear()
        self._settler.drain()
        self._resources.places.close()
        await self._runner.drain(max(0.0, seconds - GIVE_UP_SECONDS))
        await self._starter.aclose()

    async def _supervise(self, temporal_loop: asyncio.AbstractEventLoop) -> None:
        """Talk with Temporal, in an event loop of its own, which turns and readers do not delay."""
        connecting = asyncio.create_task(self._resources.temporal.connected())
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait((connecting, stopping), return_when=asyncio.FIRST_COMPLETED)
        if not connecting.done():
            connecting.cancel()
            return
        while not stopping.done():
            worker = self._worker()
            working = asyncio.ensure_future(run_in(temporal_loop, worker.run()))
            await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                await run_in(temporal_loop, worker.shutdown())
            [problem] = await asyncio.gather(working, return_exceptions=True)
            if problem is not None:
                log.warning("temporal_worker_broke", reason=type(problem).__name__)
                await asyncio.wait((stopping,), timeout=1.0)

    def _worker(self) -> Worker:
        client = self._resources.temporal.client
        assert client is not None  # noqa: S101 - it is connected by now.
        return Worker(
            client,
            task_queue=self._settings.temporal.temporal_task_queue,
            # Without a build id the library hashes all loaded code, which takes a quarter of a second.
            build_id=f"neo-{version('neo')}",
            workflows=[TurnWorkflow],
            activities=[Advance(self._runner).advance],
            # The workflow is deterministic: its imports are linted, and recorded histories are replayed in tests.
            workflow_runner=UnsandboxedWorkflowRunner(),
            max_concurrent_workflow_tasks=WORKFLOW_TASKS_MAX,
            max_concurrent_activities=ADVANCES_MAX,
            sticky_queue_schedule_to_start_timeout=STICKY,
            graceful_shutdown_timeout=timedelta(seconds=1),
        )

    def stop(self) -> None:
        self._stopping.set()
