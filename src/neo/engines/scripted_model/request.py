"""The request of a call, in whatever dialect it came."""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from neo.engines.scripted_model.calls import Item, MalformedRequestError, items_of, text_of

# Chat completions have their instructions in messages of these roles.
SYSTEM_ROLES = ("system", "developer")


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
    items: tuple[Item, ...]
    instructions: str
    message_count: int
    characters: int
    stream: bool
    previous_response_id: str | None = None
    remembers: bool = False
    images: tuple[RequestImage, ...] = ()
    tools: Mapping[str, str] = field(default_factory=dict)
    """The tools that are offered, with what is said of each."""


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
    given = [item for item in items if isinstance(item, dict)]
    texts = [(item.get("role"), text_of(item.get("content"))) for item in given]
    read = [tuple(items_of(item)) for item in given]
    users = (text for (_, text), found in zip(texts, read, strict=True) if _is_users(found))
    system = text_of(body.get("instructions") or body.get("system") or "")
    in_messages = "".join(text for role, text in texts if role in SYSTEM_ROLES)
    return ModelRequest(
        model=body["model"],
        users=tuple(users),
        items=tuple(chain.from_iterable(read)),
        instructions=system or in_messages,
        message_count=len(texts),
        characters=len(system)
        + sum(len(text) for _, text in texts)
        + sum(len(one.text) for one in chain.from_iterable(read)),
        stream=body.get("stream") is True,
        previous_response_id=previous_response_id,
        remembers=remembers,
        images=tuple(image for item in given for image in _images(item)),
        tools=dict(_tools(body.get("tools"))),
    )


def _tools(tools: Any) -> Iterator[tuple[str, str]]:
    for tool in tools if isinstance(tools, list) else ():
        match tool:
            case {"function": {"name": str(name), **said}} | {"name": str(name), **said}:
                yield name, str(said.get("description") or "")


def _is_users(items: Iterable[Item]) -> bool:
    """Whether a user said something. In Anthropic's form the outcomes of calls are in messages of this role too."""
    return any(one.kind == "user" for one in items)


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
