"""What Temporal calls: the activities that run a turn's step, with heartbeats, retries and the hand-over at
shutdown.

Activities run in the event loop that talks with Temporal, and steps in the main loop, where turns are
answered: so heartbeats are on time however many turns are answered.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import structlog
from asyncpg import Record
from temporalio import activity
from temporalio.exceptions import ApplicationError

from neo.events import EventLog, Fenced
from neo.llm import ProviderFailure
from neo.telemetry import turn_metrics
from neo.turns.end import TurnEnder
from neo.turns.errors import TURN_ATTEMPTS_EXHAUSTED, BegunElsewhere
from neo.turns.prompt import Task, task_of
from neo.turns.starting.beginning import Beginnings
from neo.turns.starting.holding import HELD_FOR
from neo.turns.starting.running import RunningSteps, Step
from neo.turns.step import ModelStep
from neo.turns.temporal.contract import (
    FAIL_TURN,
    HEARTBEAT_SECONDS,
    RUN_MODEL_STEP,
    STEP_ATTEMPTS_MAX,
    TurnInput,
)
from neo.turns.temporal.home import Home

log = structlog.get_logger()

# The wait before a provider is asked again that failed without a `Retry-After`: 0.5 s, 1 s, 2 s...
PROVIDER_RETRY_SECONDS = 0.5
HAND_OVER = timedelta(milliseconds=1)
# The last part of the drain is kept for handing over the steps that still run.
HAND_OVER_SECONDS = 2.0
# The last heartbeat of an attempt that ends itself: the next one follows no crash.
NO_CRASH = 0.0
EXHAUSTED_MESSAGE = "The turn could not be finished after several attempts."


class TurnActivities:
    def __init__(
        self,
        home: Home,
        beginnings: Beginnings,
        step: ModelStep,
        ender: TurnEnder,
        events: EventLog,
        *,
        drain_seconds: float,
    ) -> None:
        self._home = home
        self._beginnings = beginnings
        self._step = step
        self._steps = RunningSteps()
        self._ender = ender
        self._events = events
        self._finish_seconds = max(0.0, drain_seconds - HAND_OVER_SECONDS)

    @activity.defn(name=RUN_MODEL_STEP)
    async def run_model_step(self, turn: TurnInput) -> None:
        """Run the step and send heartbeats meanwhile; at shutdown let it finish in time, or hand it over."""
        attempt = activity.info().attempt
        structlog.contextvars.bind_contextvars(
            turn_id=turn.turn_id, session_id=turn.session_id, attempt=attempt
        )
        _note_recovery()
        step = asyncio.ensure_future(self._home.run(self._begun_or_joined(turn, attempt)))
        step.add_done_callback(_mark_as_retrieved)
        shutdown = asyncio.create_task(self._shutdown())
        others = [asyncio.create_task(self._send_heartbeats()), shutdown]
        try:
            await self._ended_or_handed_over(turn, step, shutdown)
        except ApplicationError:
            activity.heartbeat(NO_CRASH)
            raise
        except asyncio.CancelledError:
            if not _is_given_up():
                await self._home.run(self._steps.stop(turn.turn_id))
            raise
        finally:
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

    @property
    def has_room(self) -> bool:
        return self._steps.has_room

    def begin_early(self, turn: TurnInput, begun: Record | None, *, held: int) -> Step | None:
        """Begin the step of a turn that Temporal is to be told of: its attempt will find it under way. The
        step, if Temporal may be told a little later.
        """
        return self._steps.begin_early(
            turn.turn_id,
            lambda: self._run(turn, 1, HELD_FOR, begun),
            held=held,
            is_begun=begun is not None,
        )

    @property
    def early_turn_ids(self) -> list[str]:
        """Turns whose step was begun early here, and that no attempt has come for yet."""
        return self._steps.early_turn_ids

    async def drain(self) -> None:
        """Let steps that no attempt has come for finish, for as long as others have."""
        await self._steps.early_ended(self._finish_seconds)

    async def aclose(self) -> None:
        """End what still runs after the worker has ended."""
        await self._steps.aclose()

    @activity.defn(name=FAIL_TURN)
    async def fail_turn(self, turn: TurnInput) -> None:
        """End as failed a turn whose step could not end it."""
        structlog.contextvars.bind_contextvars(turn_id=turn.turn_id, session_id=turn.session_id)
        with _errors_without_content():
            await self._home.run(self._fail(turn))

    async def _fail(self, turn: TurnInput) -> None:
        if await self._ender.fail_abandoned(turn, TURN_ATTEMPTS_EXHAUSTED, EXHAUSTED_MESSAGE):
            await self._events.wake_readers(turn.session_id)

    async def _begun_or_joined(self, turn: TurnInput, attempt: int) -> None:
        # Shielded: an attempt that is given up leaves the step to the next one.
        await asyncio.shield(self._steps.begin_or_join(turn.turn_id, lambda: self._run(turn, attempt)))

    async def _ended_or_handed_over(
        self, turn: TurnInput, step: asyncio.Future[None], shutdown: asyncio.Task[None]
    ) -> None:
        await asyncio.wait({step, shutdown}, return_when=asyncio.FIRST_COMPLETED)
        if not step.done():
            await self._home.run(self._steps.stop(turn.turn_id))
            raise ApplicationError("Handed over at shutdown.", type="HandedOver", next_retry_delay=HAND_OVER)
        await step

    async def _run(
        self, turn: TurnInput, attempt: int, held_for: timedelta | None = None, begun: Record | None = None
    ) -> None:
        structlog.contextvars.bind_contextvars(
            turn_id=turn.turn_id, session_id=turn.session_id, attempt=attempt
        )
        with _errors_without_content():
            # Deliveries to where the step goes on are no attempts: only how often the turn was begun counts.
            if attempt > STEP_ATTEMPTS_MAX and await self._beginnings.is_exhausted(turn):
                raise ApplicationError("Attempts exhausted.", type="AttemptsExhausted", non_retryable=True)
            try:
                # A row that is here already is parsed now, where no caller waits for it.
                task = task_of(begun) if begun is not None else await self._begin(turn, attempt, held_for)
                if task is None:
                    log.info("turn_step_found_turn_ended")
                else:
                    await self._step.run(turn, task)
            except BegunElsewhere:
                log.info("turn_step_begun_elsewhere")
                # If Temporal gives the turn to this process after all, its next attempt looks anew.
                raise ApplicationError("Begun elsewhere.", type="BegunElsewhere") from None
            except Fenced:
                log.info("turn_step_fenced")
                turn_metrics.write_fenced()
                # Perhaps by an attempt that Temporal has given up, in a worker that was frozen and has
                # thawed: this one must be repeated then. The next attempt reads the turn's row, and does
                # nothing if the turn has ended.
                raise ApplicationError("Fenced.", type="Fenced") from None
            except ProviderFailure as failure:
                raise _retry_of(failure, attempt) from None

    async def _begin(self, turn: TurnInput, attempt: int, held_for: timedelta | None) -> Task | None:
        return await self._beginnings.begin(turn, held_for, is_first=attempt == 1)

    async def _send_heartbeats(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            if self._home.is_alive:
                activity.heartbeat(time.time())

    async def _shutdown(self) -> None:
        await activity.wait_for_worker_shutdown()
        await asyncio.sleep(self._finish_seconds)


@contextmanager
def _errors_without_content() -> Iterator[None]:
    """Temporal stores the error of an activity, and an error may quote what people said: so only the log gets
    it.
    """
    try:
        yield
    except ApplicationError:
        raise
    except Exception as error:
        log.exception("turn_step_broke")
        raise ApplicationError(
            "The step broke; the worker's log says why.", type=type(error).__name__
        ) from None


def _mark_as_retrieved(step: asyncio.Future[None]) -> None:
    """An attempt that is given up does not read its step's exception, and asyncio warns of one that nobody
    reads.
    """
    if not step.cancelled():
        step.exception()


def _is_given_up() -> bool:
    """Whether Temporal takes this attempt for lost. Its step is alive and goes on, until a newer claim fences
    it.
    """
    details = activity.cancellation_details()
    return details is not None and (details.not_found or details.timed_out)


def _note_recovery() -> None:
    """Record how long nobody ran the turn, where the attempt before this one ended without a word to
    Temporal.
    """
    beats = activity.info().heartbeat_details
    if beats and isinstance(beats[0], float) and beats[0] != NO_CRASH:
        seconds = max(0.0, time.time() - beats[0])
        log.warning("turn_taken_over", seconds=round(seconds, 2))
        turn_metrics.recovered(seconds)


def _retry_of(failure: ProviderFailure, attempt: int) -> ApplicationError:
    wait_seconds = failure.retry_after_seconds or PROVIDER_RETRY_SECONDS * 2 ** (attempt - 1)
    log.warning("turn_asks_provider_again", error_code=failure.code, wait_seconds=wait_seconds)
    # Only the code goes into Temporal's history: the cause may quote the prompt.
    return ApplicationError(failure.code, type=failure.code, next_retry_delay=timedelta(seconds=wait_seconds))
