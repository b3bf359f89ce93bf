"""One model step of a turn: claims the pen, lets the model speak, closes the turn."""

import asyncio
from contextlib import AbstractContextManager, aclosing

import structlog

from neo.attachments import AttachmentInvalid
from neo.blobs import BlobStoreUnavailable
from neo.db import Database
from neo.events import EventLog, envelope
from neo.kit import reached
from neo.llm import (
    ChosenModel,
    Completed,
    Image,
    ModelMisnamed,
    Models,
    Prompt,
    ProviderFailure,
    ProviderNotConfigured,
    ReasoningEffortUnknown,
    ResponseForgotten,
    Said,
    TextDelta,
    fit,
)
from neo.telemetry import traces
from neo.turns.album import Album
from neo.turns.attempt import Attempt
from neo.turns.beginning import Beginnings
from neo.turns.cancellations import Cancellations
from neo.turns.contract import PROVIDER_ATTEMPTS_MAX, TURN_SECONDS_MAX, TurnInput
from neo.turns.finish import Finisher
from neo.turns.pens import Pens
from neo.turns.prompt import Task, continues_from
from neo.turns.tell import Teller, start_chunk

log = structlog.get_logger()

TURN_TIMED_OUT = "turn_timed_out"


class ModelStep:
    def __init__(
        self,
        database: Database,
        beginnings: Beginnings,
        models: Models,
        log_of_events: EventLog,
        finisher: Finisher,
        album: Album,
        cancellations: Cancellations,
        warmed: asyncio.Future[None],
    ) -> None:
        self._database = database
        self._beginnings = beginnings
        self._models = models
        self._events = log_of_events
        self._finisher = finisher
        self._album = album
        self._cancellations = cancellations
        self._warmed = warmed

    async def run(self, turn: TurnInput, task: Task) -> None:
        """Answer the turn, as it was begun, and close it. A provider's failure closes it too, on the last attempt or
        when a retry cannot help; before that it is raised, to be tried again.
        """
        await reached("after_claim")
        with traces.span("run turn", kind="CONSUMER", parent=task.turn.traceparent, **_ids(task)) as span:
            if span.trace_id is not None:
                structlog.contextvars.bind_contextvars(trace_id=span.trace_id)
            await self._attempt(turn, task)

    async def _attempt(self, turn: TurnInput, task: Task) -> None:
        pens = Pens(self._database, turn, task.turn)
        writer = self._events.writer(task.turn.session_id, task.turn.turn_no, claim_pen=pens.claim)
        try:
            await writer.open()
            writer.say(start_chunk(task.turn))
            writer.say(envelope.start_step())
            attempt = Attempt(turn, task, writer, Teller(writer))
            await self._answer(attempt)
        finally:
            await writer.aclose()

    async def _answer(self, attempt: Attempt) -> None:
        finisher = self._finisher
        is_last_attempt = attempt.task.turn.attempts >= PROVIDER_ATTEMPTS_MAX
        try:
            async with asyncio.timeout(TURN_SECONDS_MAX):
                is_cancelled = await self._heard_or_cancelled(attempt)
        except BlobStoreUnavailable as failure:
            if not is_last_attempt:
                raise
            await finisher.fail(attempt, failure.code, failure.message)
        except AttachmentInvalid as failure:
            await finisher.fail(attempt, failure.code, failure.message)
        except ProviderFailure as failure:
            if failure.retryable and not is_last_attempt:
                raise
            log.warning(
                "turn_failed_by_provider", error_code=failure.code, cause=type(failure.__cause__).__name__
            )
            await finisher.fail(attempt, failure.code, failure.message)
        except (ModelMisnamed, ProviderNotConfigured, ReasoningEffortUnknown) as failure:
            log.error("turn_failed_by_settings", error_code=failure.code, problem=failure.message)  # noqa: TRY400
            await finisher.fail(attempt, failure.code, "This agent's model is not set up correctly.")
        except TimeoutError:
            await finisher.fail(attempt, TURN_TIMED_OUT, "The answer took too long.")
        else:
            await (finisher.cancel(attempt) if is_cancelled else finisher.complete(attempt))

    async def _heard_or_cancelled(self, attempt: Attempt) -> bool:
        """Hear the model to its end, or until the turn is told to stop: then its stream is closed at once."""
        turn = attempt.task.turn
        if turn.cancel_requested_at is not None:
            return True
        with self._cancellations.watching(turn.id) as asked:
            hearing = asyncio.ensure_future(self._hear(attempt))
            stop = asyncio.ensure_future(asked.wait())
            try:
                await asyncio.wait({hearing, stop}, return_when=asyncio.FIRST_COMPLETED)
                if hearing.done():
                    await hearing
                    return False
                return True
            finally:
                for task in (hearing, stop):
                    task.cancel()
                await asyncio.gather(hearing, stop, return_exceptions=True)

    async def _hear(self, attempt: Attempt) -> None:
        task = attempt.task
        chosen = attempt.chosen = self._models.choose(task.tier, task.agent_model, task.reasoning_effort)
        images = await self._album.new(task, chosen)
        # To import them here would hold up everything else in this process.
        await asyncio.shield(self._warmed)
        previous = continues_from(task.session, task.turn, chosen.provider, chosen.region)
        if previous is not None and chosen.continues:
            try:
                return await self._stream(attempt, chosen, _prompt(task, [], images), previous)
            except ResponseForgotten:
                log.info("turn_resent_with_transcript")
        earlier, attempt.omitted_messages = await self._beginnings.transcript(task, chosen.prompt_tokens_max)
        said = await self._album.illustrated(task, chosen, earlier, new=len(images))
        return await self._stream(attempt, chosen, _prompt(task, said, images), None)

    async def _stream(
        self, attempt: Attempt, chosen: ChosenModel, prompt: Prompt, previous: str | None
    ) -> None:
        fitted = fit(prompt, chosen.prompt_tokens_max)
        attempt.omitted_messages += fitted.omitted
        pieces = self._models.answer(chosen, fitted.prompt, previous_response_id=previous)
        with _call_traced(chosen), traces.begun("first event") as first_event:
            async with aclosing(pieces):
                async for piece in pieces:
                    if isinstance(piece, Completed):
                        attempt.completed = piece
                        break
                    if isinstance(piece, TextDelta):
                        attempt.note_first_token()
                    attempt.teller.hear(piece)
                    first_event.end()
        attempt.teller.end_part()


def _ids(task: Task) -> dict[str, str | int]:
    turn = task.turn
    return {
        "neo__turn_id": str(turn.id),
        "neo__session_id": str(turn.session_id),
        "neo__turn_no": turn.turn_no,
        "neo__attempt": turn.attempts,
    }


def _call_traced(chosen: ChosenModel) -> AbstractContextManager[traces.Spanned]:
    return traces.span(
        "call model",
        kind="CLIENT",
        gen_ai__provider__name=chosen.provider.value,
        gen_ai__request__model=chosen.name,
    )


def _prompt(task: Task, said: list[Said], images: tuple[Image, ...]) -> Prompt:
    return Prompt(task.instructions, said, task.message.text, images)
