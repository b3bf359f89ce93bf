"""The durable side of a turn's steps: heartbeats, attempts, and handing over at shutdown.

Activities run in the loop that talks with Temporal, and the steps at home, where turns are answered: a heart beats in
time however much is answered.
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
from neo.turns.beginning import Beginnings, BegunElsewhere
from neo.turns.close import TurnCloser
from neo.turns.contract import (
    FAIL_TURN,
    HEARTBEAT_SECONDS,
    RUN_MODEL_STEP,
    STEP_ATTEMPTS_MAX,
    TURN_ATTEMPTS_EXHAUSTED,
    TurnInput,
)
from neo.turns.holding import HELD_FOR
from neo.turns.home import Home
from neo.turns.prompt import Task, task_of
from neo.turns.running import RunningSteps, Step
from neo.turns.step import ModelStep

log = structlog.get_logger()

# Between two questions to a provider that failed without saying when to come back: 0.5 s, 1 s, 2 s...
PROVIDER_RETRY_SECONDS = 0.5
HAND_OVER = timedelta(milliseconds=1)
# What is left of the drain once running steps are told to hand over.
HAND_OVER_SECONDS = 2.0
# The last beat of an attempt that ends knowing that there will be another.
LEFT = 0.0
EXHAUSTED_MESSAGE = "The turn could not be finished after several attempts."


class TurnActivities:
    def __init__(
        self,
        home: Home,
        beginnings: Beginnings,
        step: ModelStep,
        closer: TurnCloser,
        events: EventLog,
        *,
        drain_seconds: float,
    ) -> None:
        self._home = home
        self._beginnings = beginnings
        self._step = step
        self._steps = RunningSteps()
        self._closer = closer
        self._events = events
        self._finish_seconds = max(0.0, drain_seconds - HAND_OVER_SECONDS)

    @activity.defn(name=RUN_MODEL_STEP)
    async def run_model_step(self, turn: TurnInput) -> None:
        """Have the step run with a heart that beats beside it; at shutdown let it finish, else hand it over."""
        attempt = activity.info().attempt
        structlog.contextvars.bind_contextvars(
            turn_id=turn.turn_id, session_id=turn.session_id, attempt=attempt
        )
        _note_recovery()
        step = asyncio.ensure_future(self._home.run(self._begun_or_joined(turn, attempt)))
        step.add_done_callback(_heard)
        beside = [asyncio.create_task(self._beat()), asyncio.create_task(self._shutdown())]
        try:
            await self._ended_or_handed_over(turn, step, beside[1])
        except ApplicationError:
            # There will be another attempt, and this one was not silent.
            activity.heartbeat(LEFT)
            raise
        except asyncio.CancelledError:
            if not _is_given_up():
                await self._home.run(self._steps.stop(turn.turn_id))
            raise
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)

    @property
    def has_room(self) -> bool:
        return self._steps.has_room

    def begin_early(self, turn: TurnInput, begun: Record | None, *, held: int) -> Step | None:
        """Begin the step of a turn that Temporal is to be told of: its attempt will find it under way. The step, if
        Temporal may be told a little later.
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
        """Close as failed a turn whose step could not end it."""
        structlog.contextvars.bind_contextvars(turn_id=turn.turn_id, session_id=turn.session_id)
        with _no_words_in_the_history():
            await self._home.run(self._fail(turn))

    async def _fail(self, turn: TurnInput) -> None:
        if await self._closer.fail(turn, TURN_ATTEMPTS_EXHAUSTED, EXHAUSTED_MESSAGE):
            await self._events.nudge(turn.session_id)

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
        with _no_words_in_the_history():
            # Deliveries to where the step goes on are no attempts: only how often the turn was begun counts.
            if attempt > STEP_ATTEMPTS_MAX and await self._beginnings.is_exhausted(turn):
                raise ApplicationError("Attempts exhausted.", type="AttemptsExhausted", non_retryable=True)
            try:
                # A row that is here already is read now, where no caller waits for it.
                task = task_of(begun) if begun is not None else await self._begin(turn, attempt, held_for)
                if task is None:
                    log.info("turn_step_found_it_ended")
                else:
                    await self._step.run(turn, task)
            except BegunElsewhere:
                log.info("turn_step_begun_elsewhere")
                # If Temporal gives the turn to this process after all, its next attempt looks anew.
                raise ApplicationError("Begun elsewhere.", type="BegunElsewhere") from None
            except Fenced:
                log.info("turn_step_was_overtaken")
                turn_metrics.write_fenced()
                # By whom? A frozen worker thaws with an attempt that Temporal has given up, and takes the pen from
                # the one that counts. The next attempt looks into PostgreSQL, and does nothing when the turn has ended.
                raise ApplicationError("Overtaken.", type="Overtaken") from None
            except ProviderFailure as failure:
                raise _again(failure, attempt) from None

    async def _begin(self, turn: TurnInput, attempt: int, held_for: timedelta | None) -> Task | None:
        return await self._beginnings.begin(turn, held_for, is_first=attempt == 1)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            if self._home.is_alive:
                activity.heartbeat(time.time())

    async def _shutdown(self) -> None:
        await activity.wait_for_worker_shutdown()
        await asyncio.sleep(self._finish_seconds)


@contextmanager
def _no_words_in_the_history() -> Iterator[None]:
    """Temporal keeps what an activity raises, and an error may quote what people said: it is told to the log."""
    try:
        yield
    except ApplicationError:
        raise
    except Exception as error:
        log.exception("turn_step_broke")
        raise ApplicationError(
            "The step broke; the worker's log says why.", type=type(error).__name__
        ) from None


def _heard(step: asyncio.Future[None]) -> None:
    """An attempt that is given up hears no more of its step."""
    if not step.cancelled():
        step.exception()


def _is_given_up() -> bool:
    """Whether Temporal takes this attempt for lost: the step is alive, so it goes on, until its pen is another's."""
    details = activity.cancellation_details()
    return details is not None and (details.not_found or details.timed_out)


def _note_recovery() -> None:
    """How long the turn was nobody's, when the attempt before this one fell silent in mid-work."""
    beats = activity.info().heartbeat_details
    if beats and isinstance(beats[0], float) and beats[0] != LEFT:
        seconds = max(0.0, time.time() - beats[0])
        log.warning("turn_taken_over", seconds=round(seconds, 2))
        turn_metrics.recovered(seconds)


def _again(failure: ProviderFailure, attempt: int) -> ApplicationError:
    wait_seconds = failure.retry_after_seconds or PROVIDER_RETRY_SECONDS * 2 ** (attempt - 1)
    log.warning("turn_asks_provider_again", error_code=failure.code, wait_seconds=wait_seconds)
    # Only the code goes into Temporal's history: the cause may quote the prompt.
    return ApplicationError(failure.code, type=failure.code, next_retry_delay=timedelta(seconds=wait_seconds))
