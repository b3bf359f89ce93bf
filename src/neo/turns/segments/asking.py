"""Asks the model for one answer: with what is new where the provider keeps the rest, and with less or otherwise where
it refuses what it was sent.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, aclosing
from dataclasses import replace

import structlog

from neo.calls import schema_for_model
from neo.llm import (
    ChosenModel,
    Completed,
    Image,
    ImagesNotSupported,
    Mends,
    Models,
    Prompt,
    ProviderFailure,
    ResponseForgotten,
    Round,
    TextDelta,
    Tool,
)
from neo.telemetry import traces
from neo.toolbox import SEARCH_SCHEMA, SEARCH_TOOLS, OfferedTool, shown_tools
from neo.turns.prompt import ImageLoader, Transcripts, continues_from
from neo.turns.segments.attempt import Attempt

log = structlog.get_logger()

NO_MORE_CALLS = (
    "No more tools can be called in this turn: {why}. "
    "Say what was done, what was not done, and what nobody knows."
)


class Asking:
    def __init__(self, models: Models, transcripts: Transcripts, images: ImageLoader) -> None:
        self._models = models
        self._transcripts = transcripts
        self._images = images

    async def ask(self, attempt: Attempt) -> None:
        """Stream the model's answer into the attempt; raises a failure, or what keeps the model from being asked.

        What a provider refuses before it has said anything is changed and asked again. What it takes then is kept in
        mind for the model.
        """
        task = attempt.task
        chosen = attempt.chosen = self._models.choose(task.tier, task.agent_model, task.reasoning_effort)
        offered = await self._transcripts.offered(task)
        if task.turn.segment > 1 or task.turn.retry_of is not None:
            attempt.settled = await self._transcripts.rounds(task)
        images = await self._images.of_message(task, chosen)
        previous = continues_from(task, attempt.settled.newest, chosen)
        mends = await self._answered(attempt, _prompt(attempt, images, offered), previous)
        if mends is not None:
            self._remember(mends)

    async def _answered(self, attempt: Attempt, prompt: Prompt, previous: str | None) -> Mends | None:
        """What was mended until the model answered; None where nothing was refused."""
        unread, mends = 0, None
        if previous is None:
            prompt, unread = await self._with_transcript(attempt, prompt)
        while True:
            chosen = self._asked_next(attempt, prompt, mends)
            fitted = self._models.fit(prompt, chosen)
            attempt.omitted_messages = unread + fitted.omitted
            try:
                await self._stream(attempt, chosen, fitted.prompt, previous)
            except ResponseForgotten as forgotten:
                log.info("turn_resent_with_transcript")
                mends = mends or Mends(chosen)
                mends.forgotten(forgotten)
                previous = None
                prompt, unread = await self._with_transcript(attempt, prompt)
            except ProviderFailure as failure:
                if attempt.renderer.has_begun:
                    raise
                mends = mends or Mends(chosen)
                mends.mend(failure, fitted.prompt)
                log.info("turn_asks_otherwise", error_code=failure.code)
            else:
                return mends

    def _asked_next(self, attempt: Attempt, prompt: Prompt, mends: Mends | None) -> ChosenModel:
        if mends is not None:
            attempt.chosen = mends.chosen
            if prompt.images and not mends.chosen.sees_images:
                # The message cannot do without them, but later ones can.
                self._remember(mends)
                raise ImagesNotSupported
        assert attempt.chosen is not None  # noqa: S101 - it is chosen before it is asked.
        return attempt.chosen

    async def _with_transcript(self, attempt: Attempt, prompt: Prompt) -> tuple[Prompt, int]:
        """The prompt with what was said before, and how many older messages were left unread."""
        task, chosen = attempt.task, attempt.chosen
        assert chosen is not None  # noqa: S101 - it is chosen before it is asked.
        earlier, unread = await self._transcripts.earlier(task, chosen.prompt_tokens_usual)
        before = await self._images.with_images(task, chosen, earlier, new=len(prompt.images))
        return replace(prompt, transcript=before), unread

    async def _stream(
        self, attempt: Attempt, chosen: ChosenModel, prompt: Prompt, previous: str | None
    ) -> None:
        deltas = self._models.answer(chosen, prompt, previous_response_id=previous)
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

    def _remember(self, mends: Mends) -> None:
        if (learned := mends.learned) is not None:
            self._models.remember(learned, is_guess=mends.is_guess)


def _prompt(attempt: Attempt, images: tuple[Image, ...], offered: Sequence[OfferedTool]) -> Prompt:
    task, settled = attempt.task, attempt.settled
    tools = _tools(offered, settled.rounds) if offered else []
    why_over = settled.why_over if tools else None
    instructions = task.instructions
    if why_over is not None:
        instructions = f"{instructions}\n\n{NO_MORE_CALLS.format(why=why_over)}".strip()
    return Prompt(
        instructions, (), task.message.text, images, settled.rounds, tools, may_call=why_over is None
    )


def _tools(offered: Sequence[OfferedTool], rounds: Sequence[Round]) -> list[Tool]:
    shown = shown_tools(offered, rounds)
    tools = [Tool(tool.wire_name, tool.description, schema_for_model(tool)) for tool in shown.tools]
    if shown.has_search:
        tools.insert(0, Tool(SEARCH_TOOLS, shown.search_description, SEARCH_SCHEMA))
    return tools


def _call_traced(chosen: ChosenModel) -> AbstractContextManager[traces.Spanned]:
    return traces.span(
        "call model",
        kind="CLIENT",
        gen_ai__provider__name=chosen.provider,
        gen_ai__request__model=chosen.name,
    )
