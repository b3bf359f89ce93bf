"""A prompt as the messages of a call.

The templates of Mistral, Gemma and Llama insist on a user and an assistant who take turns, and most servers refuse a
blank text. `sendable` sees to both: neighbours of one role are one message, with a blank line between their texts,
and a short placeholder stands for an answer that was empty.
"""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from neo.llm.chat_completions.control_tokens import marked
from neo.llm.chosen import ChosenModel
from neo.llm.deltas import ToolCall
from neo.llm.prompt import Image, Prompt, Round, Said, image_caption
from neo.llm.sendable import sendable

Message: TypeAlias = dict[str, Any]


def messages(chosen: ChosenModel, prompt: Prompt) -> list[Message]:
    whole = sendable(prompt)
    told: list[Message] = []
    for said in whole.transcript:
        told += _rounds(said.rounds)
        told.append(_message(said))
    told.append(_message(Said("user", whole.message, whole.images)))
    told += _rounds(whole.rounds)
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


def _rounds(rounds: Sequence[Round]) -> Iterator[Message]:
    for one in rounds:
        text = marked(one.text) if one.text.strip() else None
        yield {"role": "assistant", "content": text, "tool_calls": list(map(_call, one.calls))}
        for outcome in one.outcomes:
            yield {"role": "tool", "tool_call_id": outcome.call_id, "content": marked(outcome.text)}


def _call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": marked(call.arguments_json)}
    return {"id": call.call_id, "type": "function", "function": function}
