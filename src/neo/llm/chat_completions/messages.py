"""A prompt as the messages of a call.

The templates of Mistral, Gemma and Llama insist on a user and an assistant who take turns, and most servers refuse a
blank text. `sendable` sees to both: neighbours of one role are one message, with a blank line between their texts,
and a short placeholder stands for an answer that was empty.
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from neo.llm.chat_completions.given import OF_CALL, OF_MESSAGE
from neo.llm.chosen import ChosenModel
from neo.llm.control_tokens import marked
from neo.llm.deltas import ToolCall
from neo.llm.prompt import Image, Prompt, Round, Said, image_caption
from neo.llm.reading.carried import given_back
from neo.llm.sendable import sendable

Message: TypeAlias = dict[str, Any]

# Mistral's own servers and templates refuse any id of a call that does not have nine letters or digits.
_MISTRAL = re.compile(r"(?:mis|mix|magis|minis|codes|devs|pix|vox)tral")
_MISTRAL_ID = re.compile(r"[A-Za-z0-9]{9}")
# An assistant that only called a tool said nothing. The API takes null, which templates and strict servers of open
# models refuse, and an empty text, which Claude and Bedrock refuse behind gateways, as a blank block. Some servers
# refuse a message without the field.
_REFUSES_EMPTY = re.compile(r"claude|anthropic|bedrock|amazon")


def messages(chosen: ChosenModel, prompt: Prompt) -> list[Message]:
    whole = sendable(prompt)
    known_as = f"{chosen.name} {chosen.family}".lower()
    call_id = _mistral_id if _MISTRAL.search(known_as) else str
    nothing = None if _REFUSES_EMPTY.search(f"{known_as} {chosen.address.base_url}") else ""
    told: list[Message] = []
    for said in whole.transcript:
        told += _rounds(said.rounds, chosen, call_id, nothing)
        told.append(_message(said))
    told.append(_message(Said("user", whole.message, whole.images)))
    told += _rounds(whole.rounds, chosen, call_id, nothing)
    return _with_instructions(told, prompt.instructions, chosen.traits.system_role)


def _with_instructions(told: list[Message], instructions: str, role: str) -> list[Message]:
    # They are the operator's own words, who may mean a control token as one.
    if not instructions.strip():
        return told
    if role != "none":
        return [{"role": role, "content": instructions}, *told]
    first = next(message for message in told if message["role"] == "user")
    content = first["content"]
    if isinstance(content, str):
        first["content"] = f"{instructions}\n\n{content}"
    else:
        content.insert(0, {"type": "text", "text": instructions})
    return told


def _message(said: Said) -> Message:
    content = list(_parts(said.text, said.images)) if said.images else marked(said.text)
    return {"role": said.role, "content": content}


def _parts(text: str, images: Sequence[Image]) -> Iterator[dict[str, Any]]:
    if text.strip():
        yield {"type": "text", "text": marked(text)}
    for number, image in enumerate(images, start=1):
        yield {"type": "text", "text": marked(image_caption(number, image))}
        url = f"data:{image.mime};base64,{b64encode(image.data).decode()}"
        yield {"type": "image_url", "image_url": {"url": url}}


def _rounds(
    rounds: Sequence[Round], chosen: ChosenModel, call_id: Callable[[str], str], nothing: str | None
) -> Iterator[Message]:
    for one in rounds:
        calls = [{**_call(call, call_id(call.call_id)), **_back(call, chosen, OF_CALL)} for call in one.calls]
        asked = {"role": "assistant", "content": marked(one.text) or nothing, "tool_calls": calls}
        yield {**asked, **_back(one.calls[0], chosen, OF_MESSAGE)}
        for outcome in one.outcomes:
            sent_id = call_id(outcome.call_id)
            yield {"role": "tool", "tool_call_id": sent_id, "content": marked(outcome.text)}


def _call(call: ToolCall, call_id: str) -> dict[str, Any]:
    function = {"name": call.name, "arguments": marked(call.arguments_json)}
    return {"id": call_id, "type": "function", "function": function}


def _back(call: ToolCall, chosen: ChosenModel, names: Sequence[str]) -> dict[str, Any]:
    back = given_back(call, chosen)
    return {name: back[name] for name in names if name in back}


def _mistral_id(call_id: str) -> str:
    return call_id if _MISTRAL_ID.fullmatch(call_id) else hashlib.sha256(call_id.encode()).hexdigest()[:9]
