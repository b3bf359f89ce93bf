"""Reads a provider's events, whatever the shape of their JSON, and joins deltas that arrived together.

Handling a delta costs several times as much as joining it to the one before.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import orjson

Event: TypeAlias = dict[str, Any]

DELTAS = frozenset(
    {
        "response.output_text.delta",
        "response.reasoning_summary_text.delta",
        "response.reasoning_text.delta",
    }
)


class UnreadableError(Exception):
    """The data is not an event, or the event is malformed."""


def coalesced(received: Iterable[bytes]) -> Iterator[Event]:
    """The same events in the same order, but neighbouring deltas of one text are one event.

    Events before one that cannot be read are yielded before `UnreadableError` is raised.
    """
    open_delta: Event | None = None
    try:
        for data in received:
            event = loaded(data)
            if open_delta is not None and _continues(open_delta, event):
                open_delta["delta"] += event["delta"]
                continue
            if open_delta is not None:
                yield open_delta
            open_delta = event if _is_delta(event) else None
            if open_delta is None:
                yield event
    except UnreadableError:
        if open_delta is not None:
            yield open_delta
        raise
    if open_delta is not None:
        yield open_delta


def _is_delta(event: Event) -> bool:
    kind = event.get("type")
    is_known = isinstance(kind, str) and kind in DELTAS
    return is_known and isinstance(event.get("delta"), str) and not event.get("error")


def _continues(before: Event, event: Event) -> bool:
    return (
        event.get("type") == before["type"]
        and event.get("item_id") == before.get("item_id")
        and event.get("content_index") == before.get("content_index")
        and event.get("summary_index") == before.get("summary_index")
        and _is_delta(event)
    )


def loaded(data: bytes) -> dict[str, Any]:
    try:
        event = orjson.loads(data)
    except orjson.JSONDecodeError:
        event = _loaded_with_half_pairs(data)
    if not isinstance(event, dict):
        raise UnreadableError("An event is not an object.")
    return event


def _loaded_with_half_pairs(data: bytes) -> Any:
    # Some gateways cut a text in the middle of a surrogate pair, and orjson refuses the halves.
    try:
        return json.loads(data)
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
