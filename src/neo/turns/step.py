"""One model step of a turn: claims the pen, lets the model speak, closes the turn."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog

from neo.attachments import AttachmentInvalid
from neo.blobs import BlobStoreUnavailable
from neo.db import Database
from neo.events import EventLog, TurnWriter, envelope
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
from neo.turns.album import Album
from neo.turns.close import Ending, TurnCloser
from neo.turns.contract import TURN_SECONDS_MAX, TurnInput
from neo.turns.models import ChatTurn, TurnStatus
from neo.turns.patience import patiently
from neo.turns.prompt import Earlier, Task, begin_task, continues_from, read_transcript
from neo.turns.store import TurnStore
from neo.turns.tell import Teller, start_chunk, terminal_chunk

log = structlog.get_logger()

# Before a turn is closed, its events should be out; while Valkey is away the turn does not wait for it.
FLUSH_SECONDS = 1.0
TURN_TIMED_OUT = "turn_timed_out"


@dataclass
class Answer:
    """What one attempt has heard so far."""

    chosen: ChosenModel | None = None
    omitted_messages: int = 0
    first_token_ms: int | None = None
    completed: Completed | None = None


class ModelStep:
    def __init__(
        self,
        database: Database,
        models: Models,
        log_of_events: EventLog,
        closer: TurnCloser,
        album: Album,
        warmed: asyncio.Future[None],
    ) -> None:
        self._database = database
        self._models = models
        self._events = log_of_events
        self._closer = closer
        self._album = album
        self._warmed = warmed

    async def run(self, turn: TurnInput, *, is_last_attempt: bool) -> None:
        """Answer the turn and close it. A provider's failure closes it too, on the last attempt or when a
        retry cannot help; before that it is raised, to be tried again.
        """
        task = await patiently(lambda: self._begin(turn))
        if task is None:
            log.info("turn_step_found_it_ended")
            return
        writer = self._writer(turn, task.turn)
        try:
            await self._answer(turn, task, writer, is_last_attempt=is_last_attempt)
        finally:
            await writer.aclose()

    async def _begin(self, turn: TurnInput) -> Task | None:
        tenant_id = UUID(turn.tenant_id)
        async with self._database.transaction(tenant_id) as db:
            # A step that ended while Temporal was away runs again, and must do nothing.
            return await begin_task(db, tenant_id, UUID(turn.turn_id))

    async def _answer(
        self, turn: TurnInput, task: Task, writer: TurnWriter, *, is_last_attempt: bool
    ) -> None:
        await writer.open()
        writer.say(start_chunk(task.turn))
        writer.say(envelope.start_step())
        teller = Teller(writer)
        answer = Answer()
        try:
            async with asyncio.timeout(TURN_SECONDS_MAX):
                await self._hear(task, answer, teller)
        except BlobStoreUnavailable as failure:
            if not is_last_attempt:
                raise
            await self._fail(turn, task, writer, answer, failure.code, failure.message)
        except AttachmentInvalid as failure:
            await self._fail(turn, task, writer, answer, failure.code, failure.message)
        except ProviderFailure as failure:
            if failure.retryable and not is_last_attempt:
                raise
            log.warning(
                "turn_failed_by_provider", error_code=failure.code, cause=type(failure.__cause__).__name__
            )
            await self._fail(turn, task, writer, answer, failure.code, failure.message)
        except (ModelMisnamed, ProviderNotConfigured, ReasoningEffortUnknown) as failure:
            log.error("turn_failed_by_settings", error_code=failure.code, problem=failure.message)  # noqa: TRY400
            await self._fail(
                turn, task, writer, answer, failure.code, "This agent's model is not set up correctly."
            )
        except TimeoutError:
            await self._fail(turn, task, writer, answer, TURN_TIMED_OUT, "The answer took too long.")
        else:
            await self._complete(turn, task, writer, answer, teller)

    async def _hear(self, task: Task, answer: Answer, teller: Teller) -> None:
        chosen = answer.chosen = self._models.choose(task.tier, task.agent_model, task.reasoning_effort)
        images = await self._album.new(task, chosen)
        # To import them here would hold up everything else in this process.
        await asyncio.shield(self._warmed)
        previous = continues_from(task.session, task.turn, chosen.provider, chosen.region)
        if previous is not None and chosen.continues:
            try:
                return await self._stream(chosen, answer, teller, _prompt(task, [], images), task, previous)
            except ResponseForgotten:
                log.info("turn_resent_with_transcript")
        earlier, answer.omitted_messages = await patiently(lambda: self._transcript(task, chosen))
        said = await self._album.illustrated(task, chosen, earlier, new=len(images))
        return await self._stream(chosen, answer, teller, _prompt(task, said, images), task, None)

    async def _stream(
        self,
        chosen: ChosenModel,
        answer: Answer,
        teller: Teller,
        prompt: Prompt,
        task: Task,
        previous: str | None,
    ) -> None:
        fitted = fit(prompt, chosen.prompt_tokens_max)
        answer.omitted_messages += fitted.omitted
        pieces = self._models.answer(chosen, fitted.prompt, previous_response_id=previous)
        async with aclosing(pieces):
            async for piece in pieces:
                if isinstance(piece, Completed):
                    answer.completed = piece
                    break
                if answer.first_token_ms is None and isinstance(piece, TextDelta):
                    answer.first_token_ms = _since(task.turn)
                teller.hear(piece)
        teller.end_part()

    async def _transcript(self, task: Task, chosen: ChosenModel) -> tuple[list[Earlier], int]:
        async with self._database.transaction(task.turn.tenant_id) as db:
            return await read_transcript(db, task.turn, chosen.prompt_tokens_max)

    async def _complete(
        self, turn: TurnInput, task: Task, writer: TurnWriter, answer: Answer, teller: Teller
    ) -> None:
        chosen, completed = answer.chosen, answer.completed
        if chosen is None or completed is None:
            raise RuntimeError("The model's pieces ended without saying so.")
        writer.say(envelope.finish_step())
        record = {
            **_record(task, answer),
            "finish_reason": completed.finish_reason,
            "model": completed.model,
            "input_tokens": completed.input_tokens,
            "output_tokens": completed.output_tokens,
            "cached_tokens": completed.cached_tokens,
        }
        continues = _continues(task, chosen, completed, has_tool_call=teller.has_tool_call)
        await self._end(turn, writer, TurnStatus.COMPLETED, record, parts=teller.parts, continues=continues)

    async def _fail(
        self, turn: TurnInput, task: Task, writer: TurnWriter, answer: Answer, code: str, message: str
    ) -> None:
        record = {**_record(task, answer), "error_code": code, "error_message": message}
        await self._end(turn, writer, TurnStatus.FAILED, record)

    async def _end(
        self,
        turn: TurnInput,
        writer: TurnWriter,
        status: TurnStatus,
        record: dict[str, Any],
        *,
        parts: list[dict[str, Any]] | None = None,
        continues: dict[str, Any] | None = None,
    ) -> None:
        is_told = await writer.flush(FLUSH_SECONDS)
        position = writer.position
        # Where Valkey could not take it all, the stream has no end, and readers are told from PostgreSQL.
        terminal_n = position.n + 1 if is_told else None
        ending = Ending(status, position.pen, terminal_n, parts, continues or {}, record)
        closed = await self._closer.close(turn, ending)
        await writer.end(terminal_chunk(closed))

    def _writer(self, turn: TurnInput, row: ChatTurn) -> TurnWriter:
        pens = _Pens(self._database, turn, row)
        return self._events.writer(row.session_id, row.turn_no, claim_pen=pens.claim)


class _Pens:
    """The attempt's own pen first, and a new one each time its stream was lost."""

    def __init__(self, database: Database, turn: TurnInput, row: ChatTurn) -> None:
        self._database = database
        self._turn = turn
        self._pen = row.pen
        self._is_claimed = False

    async def claim(self) -> int:
        if self._is_claimed:
            self._pen = await patiently(self._next)
        self._is_claimed = True
        return self._pen

    async def _next(self) -> int:
        tenant_id = UUID(self._turn.tenant_id)
        async with self._database.transaction(tenant_id) as db:
            return await TurnStore(db, tenant_id).next_pen(UUID(self._turn.turn_id), self._pen)


def _record(task: Task, answer: Answer) -> dict[str, Any]:
    chosen = answer.chosen
    return {
        "provider": chosen.provider if chosen else None,
        "region": chosen.region if chosen else None,
        "model": chosen.name if chosen else None,
        "first_token_ms": answer.first_token_ms,
        "total_ms": _since(task.turn),
        "omitted_messages": answer.omitted_messages,
    }


def _continues(
    task: Task, chosen: ChosenModel, completed: Completed, *, has_tool_call: bool
) -> dict[str, Any]:
    # A response that waits for a tool's output cannot be gone on from without it.
    goes_on = chosen.continues and not has_tool_call
    return {
        "continues_provider": chosen.provider,
        "continues_region": chosen.region,
        "continues_response_id": completed.response_id if goes_on else None,
        "continues_turn_no": task.turn.turn_no,
    }


def _prompt(task: Task, said: list[Said], images: tuple[Image, ...]) -> Prompt:
    return Prompt(task.instructions, said, task.message.text, images)


def _since(turn: ChatTurn) -> int:
    """Milliseconds since the message was accepted."""
    return max(0, round((datetime.now(UTC) - turn.created_at).total_seconds() * 1000))
