"""The composition root of the worker: takes turns from Temporal and runs them."""

import asyncio
from datetime import timedelta
from importlib.metadata import version

import structlog
from temporalio.client import Client
from temporalio.worker import PollerBehaviorSimpleMaximum, UnsandboxedWorkflowRunner, Worker

from neo.attachments import Normaliser, Pixels
from neo.kit import keep_running, loop_in_thread, run_in
from neo.resources import Resources
from neo.settings import Settings
from neo.turns.cancellations import Cancellations
from neo.turns.images import ImageLoader
from neo.turns.outcome import Outcomes
from neo.turns.starting.beginning import Beginnings
from neo.turns.starting.holding import Holding
from neo.turns.step import ModelStep
from neo.turns.temporal.activities import TurnActivities
from neo.turns.temporal.contract import HEARTBEAT_PASSED_ON
from neo.turns.temporal.home import Home
from neo.turns.temporal.workflow import ChatTurnWorkflow

log = structlog.get_logger()

# Turns wait no longer than this in the sticky queue of a worker that died.
STICKY = timedelta(seconds=1)
WORKFLOW_TASKS_MAX = 200
# A frozen worker keeps the activities that its open polls receive, and each costs an attempt. First attempts do not
# come by poll, so one poll is enough.
STEP_POLLS = 1


class TurnWorker:
    def __init__(self, resources: Resources, settings: Settings) -> None:
        self._resources = resources
        self._settings = settings
        self._stopping = asyncio.Event()
        self._up = asyncio.Event()

    @property
    def is_up(self) -> bool:
        return self._up.is_set()

    async def wait_until_up(self) -> None:
        await self._up.wait()

    async def run(self) -> None:
        """Run turns until `stop` is called; then let the running ones end, or hand them over to another worker."""
        client = await self._resources.temporal.connected()
        cancellations = Cancellations(self._resources.database, self._resources.valkey)
        beginnings = Beginnings(self._resources.database)
        step = ModelStep(
            self._resources.database,
            beginnings,
            self._resources.models,
            self._resources.events,
            Outcomes(self._resources.ender),
            ImageLoader(Pixels(self._resources.database, self._resources.blobs, Normaliser())),
            cancellations,
        )
        cancelling = asyncio.create_task(keep_running("cancellations", cancellations.run))
        drain_seconds = self._settings.server.drain_seconds
        home = Home()
        ticking = asyncio.create_task(home.tick())
        activities = TurnActivities(
            home,
            beginnings,
            step,
            self._resources.ender,
            self._resources.events,
            drain_seconds=drain_seconds,
        )
        later = self._resources.starter.later
        holding = Holding(
            self._resources.database, lambda: list({*later.turn_ids, *activities.early_turn_ids})
        )
        saying = asyncio.create_task(keep_running("holding", holding.run))
        async with loop_in_thread("temporal") as temporal_loop:
            await self._work(temporal_loop, client, activities)
        saying.cancel()
        left = holding.in_hand()
        # An attempt that could not end must be stopped before another worker may begin the turn.
        await activities.aclose()
        await holding.let_go(left)
        await later.all_now()
        for task in (cancelling, ticking):
            task.cancel()

    async def _work(
        self, temporal_loop: asyncio.AbstractEventLoop, client: Client, activities: TurnActivities
    ) -> None:
        """Talk with Temporal in an event loop of its own, which turns and readers do not delay."""
        starter, drain_seconds = self._resources.starter, self._settings.server.drain_seconds
        worker = self._worker(client, activities)
        working = asyncio.ensure_future(run_in(temporal_loop, worker.run()))
        self._up.set()
        starter.early = activities
        log.info("worker_up", task_queue=self._settings.temporal.temporal_task_queue)
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        starter.early = None
        self._up.clear()
        log.info("worker_drains", seconds=drain_seconds)
        stopping.cancel()
        draining = asyncio.create_task(activities.drain())
        if not working.done():
            await run_in(temporal_loop, worker.shutdown())
        await working
        await draining

    def _worker(self, client: Client, activities: TurnActivities) -> Worker:
        return Worker(
            client,
            task_queue=self._settings.temporal.temporal_task_queue,
            # Without a build id the library hashes all loaded code, which takes a quarter of a second.
            build_id=f"neo-{version('neo')}",
            workflows=[ChatTurnWorkflow],
            activities=[activities.run_model_step, activities.fail_turn],
            # The workflow is deterministic: its imports are linted, and recorded histories are replayed in tests.
            workflow_runner=UnsandboxedWorkflowRunner(),
            max_concurrent_workflow_tasks=WORKFLOW_TASKS_MAX,
            max_concurrent_activities=self._settings.temporal.worker_turns,
            activity_task_poller_behavior=PollerBehaviorSimpleMaximum(maximum=STEP_POLLS),
            sticky_queue_schedule_to_start_timeout=STICKY,
            max_heartbeat_throttle_interval=HEARTBEAT_PASSED_ON,
            default_heartbeat_throttle_interval=HEARTBEAT_PASSED_ON,
            graceful_shutdown_timeout=timedelta(seconds=self._settings.server.drain_seconds),
        )

    def stop(self) -> None:
        self._stopping.set()
