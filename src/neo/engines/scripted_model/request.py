"""The request of a call, in whatever dialect it came."""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Chat completions have their instructions in messages of these roles.
SYSTEM_ROLES = ("system", "developer")


class MalformedRequestError(Exception):
    """The body is not a request of its dialect."""


@dataclass(frozen=True, slots=True)
class RequestImage:
    """An image that came with a call, as a test can recognise it."""

    media_type: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ModelRequest:
    model: str
    users: tuple[str, ...]
    instructions: str
    message_count: int
    characters: int
    stream: bool
    previous_response_id: str | None = None
    remembers: bool = False
    images: tuple[RequestImage, ...] = ()


def read_responses(body: Mapping[str, Any]) -> ModelRequest:
    given = body.get("input", [])
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    return _request(
        body,
        items,
        previous_response_id=body.get("previous_response_id"),
        remembers=body.get("store") is not False,
    )


def read_chat(body: Mapping[str, Any]) -> ModelRequest:
    return _request(body, body.get("messages"))


def read_messages(body: Mapping[str, Any]) -> ModelRequest:
    return _request(body, body.get("messages"))


def _request(
    body: Mapping[str, Any],
    items: Any,
    *,
    previous_response_id: str | None = None,
    remembers: bool = False,
) -> ModelRequest:
    if not isinstance(body.get("model"), str) or not isinstance(items, list) or not items:
        raise MalformedRequestError("A call needs a model and at least one message.")
    texts = [(item.get("role"), _text(item.get("content"))) for item in items if isinstance(item, dict)]
    system = _text(body.get("instructions") or body.get("system") or "")
    in_messages = "".join(text for role, text in texts if role in SYSTEM_ROLES)
    return ModelRequest(
        model=body["model"],
        users=tuple(text for role, text in texts if role == "user"),
        instructions=system or in_messages,
        message_count=len(texts),
        characters=len(system) + sum(len(text) for _, text in texts),
        stream=body.get("stream") is True,
        previous_response_id=previous_response_id,
        remembers=remembers,
        images=tuple(image for item in items if isinstance(item, dict) for image in _images(item)),
    )


def _images(item: Mapping[str, Any]) -> Iterator[RequestImage]:
    """The images of a message, in any dialect's form."""
    content = item.get("content")
    for part in content if isinstance(content, list) else ():
        match part:
            case {"type": "input_image", "image_url": str(url)} | {
                "type": "image_url",
                "image_url": {"url": str(url)},
            }:
                head, _, encoded = url.removeprefix("data:").partition(",")
                yield _image(head.removesuffix(";base64"), encoded)
            case {"type": "image", "source": {"media_type": str(media_type), "data": str(encoded)}}:
                yield _image(media_type, encoded)


def _image(media_type: str, encoded: str) -> RequestImage:
    try:
        data = base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise MalformedRequestError("An image is not in base64.") from error
    return RequestImage(media_type, len(data), hashlib.sha256(data).hexdigest())


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, Sequence):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return ""
