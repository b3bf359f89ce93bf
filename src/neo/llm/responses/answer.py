"""One streamed call of OpenAI's Responses API."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

import httpx2

from neo.llm.chosen import ChosenModel
from neo.llm.deltas import Delta
from neo.llm.model_families import reasons
from neo.llm.prompt import Prompt
from neo.llm.providers import address
from neo.llm.responses.body import Body, ReadThrottle
from neo.llm.responses.endpoint import Endpoint, responses_endpoint
from neo.llm.responses.events import UnreadableError
from neo.llm.responses.failures import failure
from neo.llm.responses.provider_error import ProviderError, error_of
from neo.llm.responses.reader import ResponseReader
from neo.llm.responses.request import request_body
from neo.llm.responses.sse import EventTooLongError
from neo.llm.spec import Provider
from neo.llm.transport.clients import Clients

_ERRORS = (
    ProviderError,
    UnreadableError,
    EventTooLongError,
    httpx2.HTTPError,
    httpx2.InvalidURL,
    TimeoutError,
)


class ResponsesApi:
    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._settings = clients.settings
        self._throttle = ReadThrottle()
        self._endpoints: dict[Provider, Endpoint] = {}

    async def answer(
        self, chosen: ChosenModel, prompt: Prompt, previous_response_id: str | None
    ) -> AsyncGenerator[Delta, None]:
        request = request_body(chosen, prompt, previous_response_id)
        reader = ResponseReader(chosen.name)
        is_reasoning = reasons(chosen)
        try:
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(self._settings.read_timeout_seconds(is_reasoning=is_reasoning)):
                    response = await stack.enter_async_context(self._opened(chosen.provider, request))
                chunks = await stack.enter_async_context(aclosing(response.aiter_bytes()))
                stack.enter_context(self._throttle.one_more())
                body = Body(chunks, reader, self._settings, self._throttle, is_reasoning=is_reasoning)
                while not reader.is_complete:
                    for delta in reader.deltas(await body.events()):
                        yield delta
                await body.read_to_end()
            # The connection is back in the pool before the caller gets the last delta and makes the next call.
            yield reader.completed()
        except _ERRORS as error:
            raise failure(error, is_continued=previous_response_id is not None) from error

    @asynccontextmanager
    async def _opened(self, provider: Provider, request: bytes) -> AsyncIterator[httpx2.Response]:
        client, endpoint = self._clients.client(provider), self._endpoint(provider)
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

    def _endpoint(self, provider: Provider) -> Endpoint:
        endpoint = self._endpoints.get(provider)
        if endpoint is None:
            where = address(provider, self._settings)
            endpoint = responses_endpoint(provider, where, self._settings.azure_api_version)
            self._endpoints[provider] = endpoint
        return endpoint


def _without_read(timeout: httpx2.Timeout) -> httpx2.Timeout:
    """The same limits, without the client's own timer for each read: `Body` has one."""
    return httpx2.Timeout(connect=timeout.connect, read=None, write=timeout.write, pool=timeout.pool)
