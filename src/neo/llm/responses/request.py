"""The body of a call of OpenAI's Responses API."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from neo.llm.chosen import ChosenModel
from neo.llm.model_families import reasoning
from neo.llm.prompt import Image, Prompt, Said, image_caption


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
    # The provider keeps the earlier messages of a response, but not the instructions.
    for said in () if is_continued else prompt.transcript:
        if not said.is_empty:
            yield _item(said)
    yield _item(Said("user", prompt.message, prompt.images))


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
