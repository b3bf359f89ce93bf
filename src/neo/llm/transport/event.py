"""Reads the data of a provider's event, whatever the shape of its JSON."""

import json
from typing import Any, TypeAlias

import orjson

Event: TypeAlias = dict[str, Any]


class UnreadableError(Exception):
    """The data is not an event, or the event is malformed."""


def loaded(data: bytes) -> dict[str, Any]:
    try:
        event = orjson.loads(data)
    except orjson.JSONDecodeError:
        event = _loaded_broken(data)
    if not isinstance(event, dict):
        raise UnreadableError("An event is not an object.")
    return event


def _loaded_broken(data: bytes) -> Any:
    # Some servers cut a text within a character: between the halves of a surrogate pair, or between its bytes.
    # orjson refuses both. The halves are kept, for the other one may come with the next event.
    try:
        return json.loads(data.decode(errors="replace"), strict=False)
    except (ValueError, RecursionError) as error:
        raise UnreadableError("An event is not JSON.") from error


def object_in(parent: dict[str, Any], key: str) -> dict[str, Any]:
    """The object under this key; an empty one if there is none."""
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def text_in(parent: dict[str, Any], key: str) -> str:
    """The text under this key; an empty one if it is missing or null."""
    value = parent.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UnreadableError(f"The {key} of an event is not a text.")
    return value
