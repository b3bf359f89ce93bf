"""One streamed call of a model, in whatever dialect, over connections that are kept."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from urllib.parse import urlsplit

import httpx2

from neo.egress import AiohttpTransport
from neo.kit import is_loopback
from neo.llm.chosen import ChosenModel
from neo.llm.deltas import Delta
from neo.llm.dialect import Dialect, Endpoint
from neo.llm.prompt import Prompt
from neo.llm.providers import Address, ProviderSettings
from neo.llm.reading.event import UnreadableError
from neo.llm.transport.body import Body, EventTooLongError, ReadThrottle, silence_seconds
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

# Enough for one worker's turns and for connections that are just being closed.
_CONNECTIONS_MAX = 2_000
# A TLS handshake costs more than an idle connection, and gateways keep theirs for a minute or more.
_KEEP_ALIVE_SECONDS = 30.0
# llama.cpp's server closes idle connections after 5 seconds. A call sent at that moment would be lost.
_KEEP_ALIVE_LOOPBACK_SECONDS = 4.0


class Caller:
    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        # One for each address of a provider.
        self._clients: dict[str, httpx2.AsyncClient] = {}
        self._throttle = ReadThrottle()

    async def answer(
        self, dialect: Dialect, chosen: ChosenModel, prompt: Prompt, previous_response_id: str | None
    ) -> AsyncGenerator[Delta, None]:
        request = dialect.request_body(chosen, prompt, previous_response_id)
        reader = dialect.reader(chosen)
        settings = self._settings
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
            raise failure(
                error, is_continued=is_continued, message=prompt.message, model=chosen.name
            ) from error

    @asynccontextmanager
    async def _sent(
        self, chosen: ChosenModel, endpoint: Endpoint, request: bytes
    ) -> AsyncIterator[httpx2.Response]:
        client = self._client(chosen.address)
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

    def _client(self, address: Address) -> httpx2.AsyncClient:
        client = self._clients.get(address.base_url)
        if client is None:
            client = self._clients[address.base_url] = _new_client(address, self._settings)
        return client

    async def aclose(self) -> None:
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()


def _without_read(timeout: httpx2.Timeout) -> httpx2.Timeout:
    """The same limits, without the client's own timer for each read: `Body` has one."""
    return httpx2.Timeout(connect=timeout.connect, read=None, write=timeout.write, pool=timeout.pool)


def _new_client(where: Address, settings: ProviderSettings) -> httpx2.AsyncClient:
    is_here = is_loopback(urlsplit(where.base_url).hostname or "")
    return httpx2.AsyncClient(
        transport=AiohttpTransport(
            connections_max=_CONNECTIONS_MAX,
            keep_alive_seconds=_KEEP_ALIVE_LOOPBACK_SECONDS if is_here else _KEEP_ALIVE_SECONDS,
            # A proxy from the environment cannot reach this machine's own loopback.
            trust_env=not is_here,
        ),
        # Whoever reads an answer times the silence between its deltas. These limits are for everything else.
        timeout=httpx2.Timeout(
            connect=settings.connect_seconds,
            read=max(settings.idle_seconds, settings.thinking_seconds),
            write=settings.idle_seconds,
            pool=settings.connect_seconds,
        ),
    )
