"""Reads JSON that a provider sent, of whatever shape."""

import json
from typing import Any

import orjson


class UnreadableError(Exception):
    """There is something else where an event should be."""


def loaded(data: bytes) -> dict[str, Any]:
    try:
        event = orjson.loads(data)
    except orjson.JSONDecodeError:
        event = _loaded_with_halves(data)
    if not isinstance(event, dict):
        raise UnreadableError("An event is no object.")
    return event


def _loaded_with_halves(data: bytes) -> Any:
    # Some gateways cut a text between the halves of a surrogate pair, which orjson refuses.
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UnreadableError("An event is not JSON.") from error


def part_of(where: dict[str, Any], key: str) -> dict[str, Any]:
    """An object in an object; an empty one when it is not there."""
    value = where.get(key)
    return value if isinstance(value, dict) else {}


def text_in(where: dict[str, Any], key: str) -> str:
    """A text in an object; an empty one when it is not there or null."""
    value = where.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UnreadableError(f"The {key} of an event is no text.")
    return value
