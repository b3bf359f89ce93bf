"""One call through a provider's library, streamed."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

from pydantic_ai.direct import model_request_stream
from pydantic_ai.exceptions import AgentRunError, ModelConnectionError
from pydantic_ai.messages import ModelResponseStreamEvent
from pydantic_ai.models import Model, StreamedResponse

from neo.llm.library_failures import library_failure
from neo.llm.library_reading import LibraryReading
from neo.llm.library_request import library_messages, library_settings
from neo.llm.lines import Lines
from neo.llm.patience import Patience
from neo.llm.pieces import Piece
from neo.llm.prompt import Prompt
from neo.llm.tiers import ChosenModel, ReasoningEffort

# What the library raises for a stream that it cannot read, besides errors of its own: it trusts that the JSON
# has the right shape.
_UNREADABLE = (ValueError, TypeError, AttributeError, LookupError, AssertionError)


async def library_answer(lines: Lines, chosen: ChosenModel, prompt: Prompt) -> AsyncGenerator[Piece, None]:
    model = await lines.model(chosen.provider, chosen.name)
    reading = LibraryReading(chosen.name)
    patience = Patience(lines.settings, thinks=_thinks(chosen, model))
    request = model_request_stream(
        model, library_messages(prompt), model_settings=library_settings(chosen), instrument=False
    )
    try:
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(patience.seconds(has_text=reading.has_text)):
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
        raise library_failure(error) from error


async def _next(
    stream: StreamedResponse, reading: LibraryReading, patience: Patience
) -> ModelResponseStreamEvent | None:
    try:
        # Timed here and not by the HTTP client alone: a provider that only pings is silent too.
        async with asyncio.timeout(patience.seconds(has_text=reading.has_text)):
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
