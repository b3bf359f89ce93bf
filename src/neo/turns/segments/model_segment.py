"""A MODEL segment: the model is asked, and its answer is streamed to readers and settled."""

import asyncio

import structlog

from neo.attachments import AttachmentInvalid
from neo.blobs import BlobStoreUnavailable
from neo.db import Database
from neo.errors import Failure
from neo.events import EventLog, envelope
from neo.llm import (
    ModelMisnamed,
    Models,
    ModelUnknown,
    ProviderFailure,
    ProviderNotConfigured,
    ReasoningEffortUnknown,
)
from neo.turns.errors import TURN_TIMED_OUT
from neo.turns.leases.claim import Task, writer_of
from neo.turns.leases.lease import Lease
from neo.turns.prompt import ImageLoader, Transcripts
from neo.turns.render import Renderer, start_chunk
from neo.turns.segments.asking import Asking
from neo.turns.segments.attempt import Answered, Attempt
from neo.turns.segments.settle import Settled

log = structlog.get_logger()

# A model that has not finished after ten minutes is not going to.
SEGMENT_SECONDS_MAX = 600
# How often a provider that fails is asked, before its failure ends the turn.
PROVIDER_ATTEMPTS_MAX = 3


class ModelSegment:
    def __init__(
        self,
        database: Database,
        models: Models,
        events: EventLog,
        answered: Answered,
        images: ImageLoader,
        active_seconds_max: float,
    ) -> None:
        self._database = database
        self._asking = Asking(models, Transcripts(database, active_seconds_max), images)
        self._events = events
        self._answered = answered

    async def run(self, task: Task, lease: Lease) -> Settled | None:
        """Ask the model and settle what it answers; None where the turn has ended with it.

        A provider's failure ends the turn too, on the last attempt or where asking again cannot help; otherwise it is
        raised, and somebody attempts the segment again.
        """
        turn = task.turn
        writer = writer_of(self._events, self._database, task)
        try:
            await writer.open()
            if turn.segment == 1:
                writer.write(start_chunk(turn))
            writer.write(envelope.start_step())
            return await self._answer(Attempt(task, lease, writer, Renderer(writer)))
        finally:
            await writer.aclose()

    async def _answer(self, attempt: Attempt) -> Settled | None:
        try:
            async with asyncio.timeout(SEGMENT_SECONDS_MAX):
                is_cancelled = await self._ask_unless_cancelled(attempt)
        except (Failure, TimeoutError) as failure:
            await self._answered.fail(attempt, *_reason(failure, attempt.task))
            return None
        if is_cancelled:
            await self._answered.cancel(attempt)
            return None
        return await self._answered.settle(attempt)

    async def _ask_unless_cancelled(self, attempt: Attempt) -> bool:
        """Stream the model's answer. True when the turn was cancelled: then the call to the model is closed at once."""
        cancelled = attempt.lease.cancelled
        if cancelled.is_set():
            return True
        asking = asyncio.ensure_future(self._asking.ask(attempt))
        stop = asyncio.ensure_future(cancelled.wait())
        try:
            await asyncio.wait({asking, stop}, return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                await asking
                return False
            return True
        finally:
            for one in (asking, stop):
                one.cancel()
            await asyncio.gather(asking, stop, return_exceptions=True)


def _reason(failure: Exception, task: Task) -> tuple[str, str]:
    """Why the turn fails, as code and message; raises the failure again where the segment is to be attempted again."""
    is_last_attempt = task.turn.segment_attempts + 1 >= PROVIDER_ATTEMPTS_MAX
    match failure:
        case AttachmentInvalid():
            pass
        case BlobStoreUnavailable() if is_last_attempt:
            pass
        case ProviderFailure() if is_last_attempt or not failure.retryable:
            log.warning(
                "turn_failed_by_provider", error_code=failure.code, cause=type(failure.__cause__).__name__
            )
        case ModelMisnamed() | ModelUnknown() | ProviderNotConfigured() | ReasoningEffortUnknown():
            log.error("turn_failed_by_settings", error_code=failure.code, problem=failure.message)
            return failure.code, "This agent's model is not set up correctly."
        case TimeoutError():
            return TURN_TIMED_OUT, "The answer took too long."
        case _:
            raise failure
    assert isinstance(failure, Failure)  # noqa: S101 - each of these is one.
    return failure.code, failure.message
