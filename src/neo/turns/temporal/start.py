"""When Temporal hears of a turn: its workflow is started by whoever drives it, once a segment has settled or the drive
takes long, and again while it lasts.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

import structlog
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from neo.kit import reached
from neo.turns.temporal.contract import TURN_WORKFLOW, TurnInput

log = structlog.get_logger()

# An `rpc_timeout` does not bound a call while the server is down, so the wait is ours.
START_SECONDS = 5.0
# Starts under way at once in one process. More would not be sooner, for Temporal takes them one by one.
STARTS_MAX = 32
# Starts that wait. Beyond it they are dropped: a turn that is still driven is started again later.
WAITING_MAX = 1_000
# A workflow is started again this often while its turn is driven: that mends a deleted file of Temporal's.
AGAIN_SECONDS = 30.0


class Connection(Protocol):
    """Where Temporal's client is once it is connected; None while it is away."""

    client: Client | None


class WorkflowStarter:
    """Starts a turn's workflow; it is harmless to do so often, for the workflow's id is the turn's."""

    def __init__(self, temporal: Connection, task_queue: str, *, after_seconds: float) -> None:
        self._temporal = temporal
        self._task_queue = task_queue
        self._after_seconds = after_seconds
        self._starting = asyncio.Semaphore(STARTS_MAX)
        self._tasks: set[asyncio.Task[None]] = set()

    @contextmanager
    def supervising(self, turn: TurnInput) -> Iterator["Supervised"]:
        """While the turn is driven."""
        supervised = Supervised(self, turn, self._after_seconds)
        try:
            yield supervised
        finally:
            supervised.cancel()

    def start_soon(self, turn: TurnInput) -> None:
        if self._temporal.client is None or len(self._tasks) >= WAITING_MAX:
            return
        task = asyncio.create_task(self._start(self._temporal.client, turn), name=f"start-{turn.turn_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """What is under way is waited for, as long as a start takes."""
        if self._tasks:
            _, late = await asyncio.wait(list(self._tasks), timeout=START_SECONDS)
            for task in late:
                task.cancel()

    async def _start(self, client: Client, turn: TurnInput) -> None:
        async with self._starting:
            try:
                await asyncio.wait_for(self._start_workflow(client, turn), START_SECONDS)
            except WorkflowAlreadyStartedError:
                pass
            except (OSError, RPCError, TimeoutError, RuntimeError) as error:
                log.warning("workflow_not_started", turn_id=turn.turn_id, reason=type(error).__name__)
        await reached("after_start")

    async def _start_workflow(self, client: Client, turn: TurnInput) -> None:
        await client.start_workflow(
            TURN_WORKFLOW,
            turn,
            id=turn.turn_id,
            task_queue=self._task_queue,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            request_eager_start=True,
        )


class Supervised:
    """One drive of one turn, as far as Temporal hears of it."""

    def __init__(self, starter: WorkflowStarter, turn: TurnInput, after_seconds: float) -> None:
        self._starter = starter
        self._turn = turn
        self._is_started = False
        self._timer = asyncio.get_running_loop().call_later(after_seconds, self._start)

    def segment_settled(self) -> None:
        if not self._is_started:
            self._start()

    def driven(self, *, has_ended: bool, waits: bool) -> None:
        """The drive is over. A turn that has ended without a start is started as ended, one that waits is not."""
        self.cancel()
        if not self._is_started and not waits:
            self._starter.start_soon(replace(self._turn, has_ended=has_ended))

    def cancel(self) -> None:
        self._timer.cancel()

    def _start(self) -> None:
        self._is_started = True
        self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._start)
        self._starter.start_soon(self._turn)
