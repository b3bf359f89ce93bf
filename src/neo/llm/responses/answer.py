"""One streamed call of OpenAI's Responses API, and its body."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Any

import httpx2
import orjson

from neo.llm.chosen import ChosenModel
from neo.llm.deltas import Delta
from neo.llm.model_families import reasoning, reasons
from neo.llm.prompt import Image, Prompt, Round, Said, image_caption
from neo.llm.providers import Provider, address
from neo.llm.responses.body import Body, EventTooLongError, ReadThrottle
from neo.llm.responses.endpoint import Endpoint, responses_endpoint
from neo.llm.responses.events import UnreadableError
from neo.llm.responses.failures import failure
from neo.llm.responses.provider_error import ProviderError, error_of
from neo.llm.responses.reader import ResponseReader
from neo.llm.sendable import sendable
from neo.llm.transport.clients import Clients

_ERRORS = (
    ProviderError,
    UnreadableError,
    EventTooLongError,
    httpx2.HTTPError,
    httpx2.InvalidURL,
    TimeoutError,
)


def request_body(chosen: ChosenModel, prompt: Prompt, previous_response_id: str | None) -> bytes:
    body = {
        "model": chosen.name,
        "stream": True,
        "input": list(_items(prompt, is_continued=previous_response_id is not None)),
        "instructions": prompt.instructions or None,
        "max_output_tokens": chosen.answer_tokens_max,
        "previous_response_id": previous_response_id,
        "reasoning": reasoning(chosen) or None,
        # Only a stored response can be continued.
        "store": True,
    }
    return orjson.dumps({name: value for name, value in body.items() if value is not None})


def _items(prompt: Prompt, *, is_continued: bool) -> Iterator[dict[str, Any]]:
    # The provider keeps what came before a response and the response's own calls, but not the instructions.
    if is_continued and prompt.rounds:
        yield from _outcomes(prompt.rounds[-1])
        return
    whole = prompt if is_continued else sendable(prompt)
    for said in () if is_continued else whole.transcript:
        yield from _rounds(said.rounds)
        if not said.is_empty:
            yield _item(said)
    yield _item(Said("user", whole.message, whole.images))
    yield from _rounds(whole.rounds)


def _rounds(rounds: Sequence[Round]) -> Iterator[dict[str, Any]]:
    for one in rounds:
        if one.text.strip():
            yield _item(Said("assistant", one.text))
        for call in one.calls:
            asked = {"call_id": call.call_id, "name": call.name, "arguments": call.arguments_json}
            yield {"type": "function_call", **asked}
        yield from _outcomes(one)


def _outcomes(one: Round) -> Iterator[dict[str, Any]]:
    for outcome in one.outcomes:
        yield {"type": "function_call_output", "call_id": outcome.call_id, "output": outcome.text}


def _item(said: Said) -> dict[str, Any]:
    content = list(_parts(said.text, said.images)) if said.images else said.text
    return {"role": said.role, "content": content}


def _parts(text: str, images: Sequence[Image]) -> Iterator[dict[str, str]]:
    if text:
        yield {"text": text, "type": "input_text"}
    for number, image in enumerate(images, start=1):
        yield {"text": image_caption(number, image), "type": "input_text"}
        url = f"data:{image.mime};base64,{b64encode(image.data).decode()}"
        yield {"image_url": url, "type": "input_image", "detail": "auto"}


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
