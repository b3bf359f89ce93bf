"""One streamed call of a model, in whatever dialect, and its body."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

import httpx2

from neo.llm.chosen import ChosenModel
from neo.llm.deltas import Delta
from neo.llm.dialect import Dialect, Endpoint
from neo.llm.prompt import Prompt
from neo.llm.transport.body import Body, EventTooLongError, ReadThrottle, silence_seconds
from neo.llm.transport.clients import Clients
from neo.llm.transport.event import UnreadableError
from neo.llm.transport.failures import failure
from neo.llm.transport.provider_error import ProviderError, error_of

_ERRORS = (
    ProviderError,
    UnreadableError,
    EventTooLongError,
    httpx2.HTTPError,
    httpx2.InvalidURL,
    TimeoutError,
)


class Caller:
    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._throttle = ReadThrottle()

    async def answer(
        self, dialect: Dialect, chosen: ChosenModel, prompt: Prompt, previous_response_id: str | None
    ) -> AsyncGenerator[Delta, None]:
        request = dialect.request_body(chosen, prompt, previous_response_id)
        reader = dialect.reader(chosen)
        settings = self._clients.settings
        try:
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(silence_seconds(chosen, settings, may_reason=True)):
                    sent = self._sent(chosen, dialect.endpoint(chosen), request)
                    response = await stack.enter_async_context(sent)
                chunks = await stack.enter_async_context(aclosing(response.aiter_bytes()))
                stack.enter_context(self._throttle.one_more())
                body = Body(chunks, reader, chosen, settings, self._throttle)
                while not reader.is_complete and (received := await body.events()) is not None:
                    for delta in reader.deltas(received):
                        yield delta
                for delta in reader.rest():
                    yield delta
                completed = reader.completed()
                await body.read_to_end()
            # The connection is back in the pool before the caller gets the last delta and makes the next call.
            yield completed
        except _ERRORS as error:
            is_continued = previous_response_id is not None
            raise failure(error, is_continued=is_continued, message=prompt.message) from error

    @asynccontextmanager
    async def _sent(
        self, chosen: ChosenModel, endpoint: Endpoint, request: bytes
    ) -> AsyncIterator[httpx2.Response]:
        client = self._clients.client(chosen.address)
        response = await client.send(
            client.build_request(
                "POST",
                endpoint.url,
                headers=endpoint.headers,
                content=request,
                timeout=_without_read(client.timeout),
            ),
            stream=True,
        )
        async with aclosing(response):
            if not response.is_success:
                raise await error_of(response)
            yield response


def _without_read(timeout: httpx2.Timeout) -> httpx2.Timeout:
    """The same limits, without the client's own timer for each read: `Body` has one."""
    return httpx2.Timeout(connect=timeout.connect, read=None, write=timeout.write, pool=timeout.pool)
