"""One streamed call through the library."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

from pydantic_ai.direct import model_request_stream
from pydantic_ai.exceptions import AgentRunError, ModelConnectionError
from pydantic_ai.messages import ModelResponseStreamEvent
from pydantic_ai.models import StreamedResponse

from neo.llm.chosen import ChosenModel
from neo.llm.deltas import Delta
from neo.llm.library.failures import library_failure
from neo.llm.library.models import LibraryModels, load_sdk
from neo.llm.library.reader import LibraryReader
from neo.llm.library.request import messages, model_settings
from neo.llm.prompt import Prompt
from neo.llm.providers import DialectName
from neo.llm.transport.clients import Clients

# The library trusts that the JSON has the right shape. For a stream that does not, it raises these, besides errors of
# its own.
_UNREADABLE = (ValueError, TypeError, AttributeError, LookupError, AssertionError)


class LibraryApi:
    def __init__(self, clients: Clients) -> None:
        self._settings = clients.settings
        self._models = LibraryModels(clients)

    async def load(self, dialect: DialectName) -> None:
        await load_sdk(dialect)

    async def answer(self, chosen: ChosenModel, prompt: Prompt) -> AsyncGenerator[Delta, None]:
        model = await self._models.get(chosen)
        reader = LibraryReader(chosen.name)
        is_reasoning = chosen.traits.thinking_seconds is not None
        request = model_request_stream(
            model, messages(prompt), model_settings=model_settings(chosen), instrument=False
        )
        try:
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(self._settings.read_timeout_seconds(is_reasoning=is_reasoning)):
                    stream = await stack.enter_async_context(request)
                while (event := await self._next(stream, reader, is_reasoning=is_reasoning)) is not None:
                    if (delta := reader.delta(event)) is not None:
                        yield delta
                if (refusal := reader.refusal(stream)) is not None:
                    yield refusal
                completed = reader.completed(stream)
            # The connection is back in the pool before the caller gets the last delta and makes the next call.
            yield completed
        except (AgentRunError, TimeoutError, *_UNREADABLE) as error:
            raise library_failure(error) from error

    async def _next(
        self, stream: StreamedResponse, reader: LibraryReader, *, is_reasoning: bool
    ) -> ModelResponseStreamEvent | None:
        may_be_silent = is_reasoning and not reader.has_text
        try:
            # The HTTP client's own timeout would not do: a provider that only sends pings counts as silent.
            async with asyncio.timeout(self._settings.read_timeout_seconds(is_reasoning=may_be_silent)):
                return await anext(aiter(stream), None)
        except (ModelConnectionError, TimeoutError):
            # After the final event it does not matter how the body ends.
            if reader.is_complete(stream):
                return None
            raise
