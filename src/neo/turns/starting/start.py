import asyncio
import time
from collections import OrderedDict
from datetime import timedelta
from typing import Protocol

import structlog
from asyncpg import Record
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from neo.kit import reached
from neo.turns.errors import TurnRefused
from neo.turns.starting.running import Step
from neo.turns.starting.start_queue import StartQueue
from neo.turns.starting.telling_later import TellingLater
from neo.turns.temporal.contract import CHAT_TURN_WORKFLOW, TurnInput

log = structlog.get_logger()

# An `rpc_timeout` does not bound a call while the server is down, so the wait is ours.
START_SECONDS = 5.0
# A turn that Temporal has been told of is not told again before this, however long it waits for its step.
TOLD_SECONDS = 10.0
TOLD_MAX = 20_000
# Sticky tasks of a dead worker go back to the queue after the worker's own setting; tasks themselves are short. What
# a frozen worker was given is given to another after this: a worker that is later than this has no heartbeat either.
TASK_TIMEOUT = timedelta(seconds=3)


class Connection(Protocol):
    """Where Temporal's client is once it is connected; None while it is away."""

    client: Client | None


class Early(Protocol):
    """A worker beside this, which begins steps at once."""

    @property
    def has_room(self) -> bool: ...

    def begin_early(self, turn: TurnInput, begun: Record | None, *, held: int) -> Step | None:
        """The step, if Temporal may hear of it a little later, as of so many that are `held` already. What was `begun`
        is of a turn that is begun in the database.
        """


class TurnStarter:
    """Starts a turn's workflow, at most once however often it is asked: the workflow's id is the turn's."""

    def __init__(self, temporal: Connection, task_queue: str) -> None:
        self._temporal = temporal
        self._task_queue = task_queue
        # When Temporal was told of which turn, or is being told, the latest last.
        self._told: OrderedDict[str, float] = OrderedDict()
        self.later = TellingLater(self._tell)
        self.queue = StartQueue(self._try, must_wait=lambda: self.later.is_behind)
        self.early: Early | None = None

    @property
    def begins_at_once(self) -> bool:
        """Whether a turn that is accepted now begins here: it is then begun with its message."""
        is_here = self._temporal.client is not None and self.early is not None and self.early.has_room
        return is_here and self.queue.is_quiet

    def start_soon(self, turn: TurnInput, begun: Record | None = None) -> None:
        """Start it without waiting. A start that fails here is made up for by the sweeper."""
        step = self._begun_early(turn, begun) if begun is not None else None
        if step is not None and self.later.add(turn, step):
            return
        if self.queue.add(turn):
            self._note_told(turn.turn_id)

    async def start(self, turn: TurnInput) -> None:
        """Start it, or find it running; raises `TurnRefused` when its workflow has ended already."""
        if self._temporal.client is None:
            raise ConnectionError("Temporal is not connected.")
        try:
            await asyncio.wait_for(self._start(self._temporal.client, turn), START_SECONDS)
        except WorkflowAlreadyStartedError as error:
            raise TurnRefused("This turn's workflow has ended already.") from error
        self._note_told(turn.turn_id)
        await reached("after_start")

    def is_starting(self, turn_id: str) -> bool:
        """Whether this process is to tell Temporal of the turn, or has a moment ago: it was not left behind."""
        told = self._told.get(turn_id)
        return self.later.holds(turn_id) or (told is not None and time.monotonic() - told < TOLD_SECONDS)

    async def aclose(self) -> None:
        await self.queue.aclose()
        await self.later.all_now()

    async def _start(self, client: Client, turn: TurnInput) -> None:
        await client.start_workflow(
            CHAT_TURN_WORKFLOW,
            turn,
            id=turn.turn_id,
            task_queue=self._task_queue,
            task_timeout=TASK_TIMEOUT,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            request_eager_start=True,
        )

    async def _try(self, turn: TurnInput) -> None:
        step = self._begun_early(turn, None)
        if step is None or not self.later.add(turn, step):
            await self._tell(turn)

    def _begun_early(self, turn: TurnInput, begun: Record | None) -> Step | None:
        if self._temporal.client is None or self.early is None:
            return None
        return self.early.begin_early(turn, begun, held=self.later.count)

    async def _tell(self, turn: TurnInput) -> None:
        try:
            await self.start(turn)
        except (TurnRefused, OSError, RPCError, TimeoutError, RuntimeError) as error:
            self._told.pop(turn.turn_id, None)
            log.warning(
                "turn_start_left_to_sweeper",
                turn_id=turn.turn_id,
                session_id=turn.session_id,
                reason=type(error).__name__,
            )

    def _note_told(self, turn_id: str) -> None:
        self._told[turn_id] = time.monotonic()
        self._told.move_to_end(turn_id)
        if len(self._told) > TOLD_MAX:
            self._told.popitem(last=False)
