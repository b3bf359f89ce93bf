"""A prompt as the body of a call to OpenAI's Responses API, and where it is sent."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import httpx2
import orjson

from neo.llm.chosen import ChosenModel
from neo.llm.dialect import Endpoint, json_headers
from neo.llm.model_families import reasoning
from neo.llm.prompt import Image, Prompt, Round, Said, Tool, image_caption
from neo.llm.providers import Address
from neo.llm.reading.carried import given_back
from neo.llm.sendable import sendable
from neo.llm.tools import SentTools, told


def endpoint(chosen: ChosenModel) -> Endpoint:
    return _endpoint(chosen.address)


@lru_cache
def _endpoint(address: Address) -> Endpoint:
    base = address.base_url.rstrip("/")
    if address.azure_api_version:
        url = f"{base}/openai/responses?api-version={quote(address.azure_api_version)}"
        return Endpoint(httpx2.URL(url), json_headers(address, key_header="api-key"))
    return Endpoint(httpx2.URL(f"{base}/responses"), json_headers(address))


def request_body(chosen: ChosenModel, prompt: Prompt, previous_response_id: str | None) -> bytes:
    if chosen.traits.system_role == "none":
        prompt = _with_instructions_said(prompt)
    sent = SentTools.of(prompt)
    body = {
        "model": chosen.name,
        "stream": True,
        "input": list(_items(prompt, chosen, is_continued=previous_response_id is not None)),
        "instructions": prompt.instructions or None,
        "tools": [_tool(tool, chosen) for tool in sent.tools] or None,
        "tool_choice": "none" if sent.tools and not sent.may_be_called else None,
        "max_output_tokens": chosen.answer_tokens_max,
        "previous_response_id": previous_response_id,
        "reasoning": reasoning(chosen) or None,
        # Only a stored response can be continued.
        "store": chosen.continues,
        "include": ["reasoning.encrypted_content"] if _wants_thoughts(chosen, prompt) else None,
    }
    return orjson.dumps({name: value for name, value in body.items() if value is not None})


def _tool(tool: Tool, chosen: ChosenModel) -> dict[str, Any]:
    # Its strict mode takes schemas of some forms only, and the arguments are checked here.
    return {"type": "function", **told(tool, chosen, schema_name="parameters"), "strict": False}


def _with_instructions_said(prompt: Prompt) -> Prompt:
    """The instructions as what the user says first; neighbours of one role become one message."""
    head = (Said("user", prompt.instructions),) if prompt.instructions else ()
    return replace(prompt, instructions="", transcript=(*head, *prompt.transcript))


def _wants_thoughts(chosen: ChosenModel, prompt: Prompt) -> bool:
    """Whether calls may follow that have to go back with what the model thought before them: it keeps nothing."""
    return bool(prompt.tools) and not chosen.continues and chosen.traits.carries and bool(reasoning(chosen))


def _items(prompt: Prompt, chosen: ChosenModel, *, is_continued: bool) -> Iterator[dict[str, Any]]:
    # The provider keeps what came before a response and the response's own calls, but not the instructions.
    if is_continued and prompt.rounds:
        yield from _outcomes(prompt.rounds[-1])
        return
    whole = prompt if is_continued else sendable(prompt)
    for said in () if is_continued else whole.transcript:
        yield from _rounds(said.rounds, chosen)
        yield _item(said)
    yield _item(Said("user", whole.message, whole.images))
    yield from _rounds(whole.rounds, chosen)


def _rounds(rounds: Sequence[Round], chosen: ChosenModel) -> Iterator[dict[str, Any]]:
    for one in rounds:
        for number, call in enumerate(one.calls):
            yield from given_back(call, chosen).get("items", ())
            if one.text and not number:
                yield _item(Said("assistant", one.text))
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
