"""A prompt as the body of a call to Anthropic's Messages API, and where it is sent."""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

import httpx2
import orjson

from neo.llm.chosen import ChosenModel
from neo.llm.deltas import ToolCall
from neo.llm.dialect import Endpoint, json_headers
from neo.llm.messages.thinking import thinking
from neo.llm.prompt import Image, Outcome, Prompt, Round, image_caption
from neo.llm.providers import Address
from neo.llm.reading.carried import given_back
from neo.llm.sendable import sendable
from neo.llm.tools import SentTools, told

_API_VERSION = b"2023-06-01"
# They take the key in its own header, and an `authorization` beside it for a token of another kind.
_OWN_HEADER_ONLY = (".anthropic.com", ".azure.com")


def endpoint(chosen: ChosenModel) -> Endpoint:
    return _endpoint(chosen.address)


@lru_cache
def _endpoint(address: Address) -> Endpoint:
    url = f"{address.base_url.rstrip('/').removesuffix('/v1')}/v1/messages"
    headers = {**json_headers(address, key_header="x-api-key"), b"anthropic-version": _API_VERSION}
    if address.api_key and not (urlsplit(url).hostname or "").endswith(_OWN_HEADER_ONLY):
        # Of the others that serve this API, some know the key in this header only.
        headers[b"authorization"] = f"Bearer {address.api_key}".encode()
    return Endpoint(httpx2.URL(url), headers)


def request_body(chosen: ChosenModel, prompt: Prompt, _: str | None) -> bytes:
    whole = sendable(prompt)
    takes_system = chosen.traits.system_role != "none"
    instructions = whole.instructions.strip() and whole.instructions
    messages = list(_messages(whole, chosen))
    if instructions and not takes_system:
        messages[0]["content"].insert(0, _text(instructions))
    body = {
        "model": chosen.name,
        "stream": True,
        "max_tokens": chosen.answer_tokens_max,
        "system": instructions if takes_system else None,
        "messages": messages,
        **_tools(chosen, whole),
        **thinking(chosen, is_in_round=_lacks_thoughts(whole, chosen)),
    }
    return orjson.dumps({name: value for name, value in body.items() if value})


def _lacks_thoughts(prompt: Prompt, chosen: ChosenModel) -> bool:
    """Whether the message is followed by calls without the thoughts that the model had before them."""
    return bool(prompt.rounds) and "thinking" not in given_back(prompt.rounds[0].calls[0], chosen)


def _messages(prompt: Prompt, chosen: ChosenModel) -> Iterator[dict[str, Any]]:
    for said in prompt.transcript:
        yield from _rounds(said.rounds, chosen)
        yield _message(said.role, _content(said.text, said.images))
    yield _message("user", _content(prompt.message, prompt.images))
    yield from _rounds(prompt.rounds, chosen)


def _rounds(rounds: Sequence[Round], chosen: ChosenModel) -> Iterator[dict[str, Any]]:
    for one in rounds:
        first, *others = [[*given_back(call, chosen).get("thinking", ()), _call(call)] for call in one.calls]
        # The answer begins with its first thoughts.
        asked = [*first[:-1], *_content(one.text), first[-1], *chain.from_iterable(others)]
        yield _message("assistant", asked)
        # Each outcome has to be in the message that follows, before anything else.
        yield _message("user", [_outcome(outcome) for outcome in one.outcomes])


def _tools(chosen: ChosenModel, prompt: Prompt) -> dict[str, Any]:
    sent = SentTools.of(prompt)
    tools = [told(tool, chosen, schema_name="input_schema") for tool in sent.tools]
    choice = {"tool_choice": {"type": "none"}} if tools and not sent.may_be_called else {}
    return {"tools": tools, **choice}


def _call(call: ToolCall) -> dict[str, Any]:
    # The arguments are JSON already, and may be nested deeper than can be written again.
    given = orjson.Fragment(call.arguments_json)
    return {"type": "tool_use", "id": call.call_id, "name": call.name, "input": given}


def _outcome(outcome: Outcome) -> dict[str, Any]:
    content = [_text(outcome.text)]
    return {
        "type": "tool_result",
        "tool_use_id": outcome.call_id,
        "content": content,
        "is_error": outcome.is_error,
    }


def _message(role: str, content: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {"role": role, "content": list(content)}


def _content(text: str, images: Sequence[Image] = ()) -> Iterator[dict[str, Any]]:
    if text:
        yield _text(text)
    for number, image in enumerate(images, start=1):
        yield _text(image_caption(number, image))
        data = b64encode(image.data).decode()
        yield {"type": "image", "source": {"type": "base64", "media_type": image.mime, "data": data}}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}
