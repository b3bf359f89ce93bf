"""One attempt at a turn: it asks the model, streams the answer to readers, and ends the turn."""

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
from neo.turns.attempt import Attempt, Claims
from neo.turns.cancellations import Cancellations
from neo.turns.errors import TURN_TIMED_OUT
from neo.turns.images import ImageLoader
from neo.turns.outcome import Outcomes
from neo.turns.prompt import Task, continues_from
from neo.turns.render import Renderer, start_chunk
from neo.turns.starting.beginning import Beginnings
from neo.turns.temporal.contract import PROVIDER_ATTEMPTS_MAX, TURN_SECONDS_MAX, TurnInput

log = structlog.get_logger()


class ModelStep:
    def __init__(
        self,
        database: Database,
        beginnings: Beginnings,
        models: Models,
        events: EventLog,
        outcomes: Outcomes,
        images: ImageLoader,
        cancellations: Cancellations,
    ) -> None:
        self._database = database
        self._beginnings = beginnings
        self._models = models
        self._events = events
        self._outcomes = outcomes
        self._images = images
        self._cancellations = cancellations

    async def run(self, turn: TurnInput, task: Task) -> None:
        """Answer the turn and end it. A provider's failure ends it too, on the last attempt or where a retry
        cannot help; otherwise the failure is raised, and the turn is attempted again.
        """
        await reached("after_claim")
        with traces.span("run turn", kind="CONSUMER", parent=task.turn.traceparent, **_ids(task)) as span:
            if span.trace_id is not None:
                structlog.contextvars.bind_contextvars(trace_id=span.trace_id)
            await self._attempt(turn, task)

    async def _attempt(self, turn: TurnInput, task: Task) -> None:
        claims = Claims(self._database, turn, task.turn)
        writer = self._events.writer(task.turn.session_id, task.turn.turn_no, next_claim=claims.next)
        try:
            await writer.open()
            writer.write(start_chunk(task.turn))
            writer.write(envelope.start_step())
            attempt = Attempt(turn, task, writer, Renderer(writer))
            await self._answer(attempt)
        finally:
            await writer.aclose()

    async def _answer(self, attempt: Attempt) -> None:
        outcomes = self._outcomes
        is_last_attempt = attempt.task.turn.attempts >= PROVIDER_ATTEMPTS_MAX
        try:
            async with asyncio.timeout(TURN_SECONDS_MAX):
                is_cancelled = await self._ask_unless_cancelled(attempt)
        except BlobStoreUnavailable as failure:
            if not is_last_attempt:
                raise
            await outcomes.fail(attempt, failure.code, failure.message)
        except AttachmentInvalid as failure:
            await outcomes.fail(attempt, failure.code, failure.message)
        except ProviderFailure as failure:
            if failure.retryable and not is_last_attempt:
                raise
            log.warning(
                "turn_failed_by_provider", error_code=failure.code, cause=type(failure.__cause__).__name__
            )
            await outcomes.fail(attempt, failure.code, failure.message)
        except (ModelMisnamed, ProviderNotConfigured, ReasoningEffortUnknown) as failure:
            log.error("turn_failed_by_settings", error_code=failure.code, problem=failure.message)  # noqa: TRY400
            await outcomes.fail(attempt, failure.code, "This agent's model is not set up correctly.")
        except TimeoutError:
            await outcomes.fail(attempt, TURN_TIMED_OUT, "The answer took too long.")
        else:
            await (outcomes.cancel(attempt) if is_cancelled else outcomes.complete(attempt))

    async def _ask_unless_cancelled(self, attempt: Attempt) -> bool:
        """Stream the model's answer. True when the turn was cancelled: then the call to the model is closed
        at once.
        """
        turn = attempt.task.turn
        if turn.cancel_requested_at is not None:
            return True
        with self._cancellations.watching(turn.id) as cancelled:
            asking = asyncio.ensure_future(self._ask(attempt))
            stop = asyncio.ensure_future(cancelled.wait())
            try:
                await asyncio.wait({asking, stop}, return_when=asyncio.FIRST_COMPLETED)
                if asking.done():
                    await asking
                    return False
                return True
            finally:
                for task in (asking, stop):
                    task.cancel()
                await asyncio.gather(asking, stop, return_exceptions=True)

    async def _ask(self, attempt: Attempt) -> None:
        task = attempt.task
        chosen = attempt.chosen = self._models.choose(task.tier, task.agent_model, task.reasoning_effort)
        images = await self._images.of_message(task, chosen)
        previous = continues_from(task.session, task.turn, chosen.provider, chosen.region)
        if previous is not None and chosen.continues:
            try:
                return await self._stream(attempt, chosen, _prompt(task, [], images), previous)
            except ResponseForgotten:
                log.info("turn_resent_with_transcript")
        earlier, attempt.omitted_messages = await self._beginnings.transcript(task, chosen.prompt_tokens_max)
        before = await self._images.with_images(task, chosen, earlier, new=len(images))
        return await self._stream(attempt, chosen, _prompt(task, before, images), None)

    async def _stream(
        self, attempt: Attempt, chosen: ChosenModel, prompt: Prompt, previous: str | None
    ) -> None:
        fitted = fit(prompt, chosen.prompt_tokens_max)
        attempt.omitted_messages += fitted.omitted
        deltas = self._models.answer(chosen, fitted.prompt, previous_response_id=previous)
        with _call_traced(chosen), traces.begun("first event") as first_event:
            async with aclosing(deltas):
                async for delta in deltas:
                    if isinstance(delta, Completed):
                        attempt.completed = delta
                        break
                    if isinstance(delta, TextDelta):
                        attempt.note_first_token()
                    attempt.renderer.add(delta)
                    first_event.end()
        attempt.renderer.end_part()


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


def _prompt(task: Task, before: list[Said], images: tuple[Image, ...]) -> Prompt:
    return Prompt(task.instructions, before, task.message.text, images)
