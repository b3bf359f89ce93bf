"""One call to a model, streamed."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack

from pydantic_ai.direct import model_request_stream
from pydantic_ai.exceptions import AgentRunError
from pydantic_ai.messages import ModelResponseStreamEvent
from pydantic_ai.models import Model
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
    reading = Reading(is_responses=isinstance(model, OpenAIResponsesModel))
    thinking_seconds = _thinking_seconds(chosen, model, lines.settings)
    request = model_request_stream(
        model,
        library_messages(prompt, is_continued=is_continued),
        model_settings=library_settings(chosen, previous_response_id),
        instrument=False,
    )
    try:
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(thinking_seconds):
                stream = await stack.enter_async_context(request)
            events = aiter(stream)
            seconds = thinking_seconds
            while (event := await _next(events, seconds)) is not None:
                if (piece := reading.piece(event)) is not None:
                    yield piece
                if reading.has_text:
                    seconds = lines.settings.idle_seconds
            if (words := reading.last_words(stream)) is not None:
                yield words
            completed = reading.completed(stream)
        # The connection is back in the pool before the caller hears the end and starts the next call.
        yield completed
    except (AgentRunError, TimeoutError, *_UNREADABLE) as error:
        raise failure(error, is_continued=is_continued) from error


async def _next(
    events: AsyncIterator[ModelResponseStreamEvent], seconds: float
) -> ModelResponseStreamEvent | None:
    # Timed here and not by the HTTP client alone: a provider that only pings is silent too.
    async with asyncio.timeout(seconds):
        return await anext(events, None)


def _thinking_seconds(chosen: ChosenModel, model: Model, settings: ProviderSettings) -> float:
    """How long the model may be silent before its first word."""
    effort = chosen.reasoning_effort
    thinks = model.profile.get("supports_thinking", False) or effort is not None
    return settings.thinking_seconds if thinks and effort != ReasoningEffort.NONE else settings.idle_seconds
