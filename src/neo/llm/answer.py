"""One call to a model, streamed."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass

from pydantic_ai.direct import model_request_stream
from pydantic_ai.exceptions import AgentRunError, ModelConnectionError
from pydantic_ai.messages import ModelResponseStreamEvent
from pydantic_ai.models import Model, StreamedResponse
from pydantic_ai.models.openai import OpenAIResponsesModel

from neo.llm.failures import failure
from neo.llm.lines import Lines
from neo.llm.pieces import Piece
from neo.llm.prompt import Prompt
from neo.llm.providers import ProviderSettings
from neo.llm.reading import Reading
from neo.llm.request import library_messages, library_settings
from neo.llm.tiers import ChosenModel, ReasoningEffort

# What the library raises for a stream that it cannot read, besides errors of its own: it trusts that the JSON
# has the right shape.
_UNREADABLE = (ValueError, TypeError, AttributeError, LookupError, AssertionError)


async def answer(
    lines: Lines, chosen: ChosenModel, prompt: Prompt, previous_response_id: str | None
) -> AsyncGenerator[Piece, None]:
    is_continued = previous_response_id is not None
    model = lines.model(chosen.provider, chosen.name)
    reading = Reading(chosen.name, is_responses=isinstance(model, OpenAIResponsesModel))
    patience = _Patience(lines.settings, thinks=_thinks(chosen, model))
    request = model_request_stream(
        model,
        library_messages(prompt, is_continued=is_continued),
        model_settings=library_settings(chosen, previous_response_id),
        instrument=False,
    )
    try:
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(patience.seconds(reading)):
                stream = await stack.enter_async_context(request)
            while (event := await _next(stream, reading, patience)) is not None:
                if (piece := reading.piece(event)) is not None:
                    yield piece
            if (words := reading.last_words(stream)) is not None:
                yield words
            completed = reading.completed(stream)
        # The connection is back in the pool before the caller hears the end and starts the next call.
        yield completed
    except (AgentRunError, TimeoutError, *_UNREADABLE) as error:
        raise failure(error, is_continued=is_continued) from error


@dataclass(frozen=True, slots=True)
class _Patience:
    settings: ProviderSettings
    thinks: bool

    def seconds(self, reading: Reading) -> float:
        """How long the model may be silent now: longer before its first word, when it thinks."""
        is_thinking = self.thinks and not reading.has_text
        return self.settings.thinking_seconds if is_thinking else self.settings.idle_seconds


async def _next(
    stream: StreamedResponse, reading: Reading, patience: _Patience
) -> ModelResponseStreamEvent | None:
    try:
        # Timed here and not by the HTTP client alone: a provider that only pings is silent too.
        async with asyncio.timeout(patience.seconds(reading)):
            return await anext(aiter(stream), None)
    except (ModelConnectionError, TimeoutError):
        # After the final event it is of no account how the body ends.
        if reading.has_it_all(stream):
            return None
        raise


def _thinks(chosen: ChosenModel, model: Model) -> bool:
    if chosen.reasoning_effort is None:
        return model.profile.get("supports_thinking", False)
    return chosen.reasoning_effort != ReasoningEffort.NONE
