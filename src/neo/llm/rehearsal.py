"""Plays a short canned answer through whatever reads a provider.

A library builds the schemas of its events when the first one arrives, which takes a tenth of a second that the
first turn would have to wait for.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from typing import Any, TypeAlias

import httpx2
import orjson

from neo.errors import Failure
from neo.llm.answer import answer
from neo.llm.lines import Lines
from neo.llm.pieces import Completed
from neo.llm.prompt import Prompt, Said
from neo.llm.providers import ProviderSettings
from neo.llm.tiers import ChosenModel

_PROMPT = Prompt("Rehearse.", (Said("user", "Ready?"), Said("assistant", "Ready.")), "Go.")

_Events: TypeAlias = tuple[dict[str, Any], ...]

_RESPONSE = {"id": "r", "created_at": 1, "model": "m", "object": "response", "output": []}
_WHERE = {"item_id": "i", "output_index": 0, "content_index": 0}
_PART = {"type": "output_text", "text": "", "annotations": []}
_MESSAGE = {"id": "i", "type": "message", "role": "assistant", "content": []}
_RESPONSES: _Events = (
    {"type": "response.created", "response": {**_RESPONSE, "status": "in_progress"}},
    {"type": "response.output_item.added", "output_index": 0, "item": _MESSAGE},
    {"type": "response.content_part.added", **_WHERE, "part": _PART},
    {"type": "response.output_text.delta", **_WHERE, "delta": "Go.", "logprobs": []},
    {"type": "response.content_part.done", **_WHERE, "part": _PART},
    {"type": "response.output_item.done", "output_index": 0, "item": _MESSAGE},
    {"type": "response.completed", "response": {**_RESPONSE, "status": "completed"}},
)
_CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
_CHAT: _Events = (
    {**_CHUNK, "choices": [{"index": 0, "delta": {"content": "Go."}, "finish_reason": None}]},
    {**_CHUNK, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
)
_USAGE = {"input_tokens": 1, "output_tokens": 1}
_BLOCK = {"type": "text", "text": ""}
_MESSAGES: _Events = (
    {"type": "message_start", "message": {**_MESSAGE, "model": "m", "usage": _USAGE}},
    {"type": "content_block_start", "index": 0, "content_block": _BLOCK},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Go."}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": _USAGE},
    {"type": "message_stop"},
)


def rehearse(chosen: ChosenModel, settings: ProviderSettings) -> bool:
    """Whether the answer was played to its end. Needs a thread of its own: it runs an event loop."""
    return asyncio.run(_rehearse(chosen, settings))


async def _rehearse(chosen: ChosenModel, settings: ProviderSettings) -> bool:
    lines = Lines(settings, transport=_Canned())
    completed = False
    # A library that has outgrown the canned answer costs the first turn a moment; it must not cost the start.
    with suppress(Failure):
        async with aclosing(answer(lines, chosen, _PROMPT, None)) as pieces:
            async for piece in pieces:
                completed = isinstance(piece, Completed)
    await lines.aclose()
    return completed


class _Canned(httpx2.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        events = (
            _MESSAGES
            if path.endswith("/messages")
            else _CHAT
            if path.endswith("/completions")
            else _RESPONSES
        )
        headers = {"content-type": "text/event-stream"}
        return httpx2.Response(200, headers=headers, stream=_Body(events), request=request)


class _Body(httpx2.AsyncByteStream):
    def __init__(self, events: _Events) -> None:
        self._events = events

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for event in self._events:
            name = str(event.get("type", "message")).encode()
            yield b"event: %b\ndata: %b\n\n" % (name, orjson.dumps(event))
