"""Reads the data of a provider's events, whatever the shape of their JSON, and joins deltas that arrived together:
handling a delta costs several times as much as joining it to the one before.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import orjson

from neo.llm.reading.texts import storable

Event: TypeAlias = dict[str, Any]
# Which text an event has a piece of, to be compared; the object that has the piece, and under which key.
Place: TypeAlias = tuple[tuple[Any, ...], Event, str]

_DIGITS_MAX = 1_000
_INDEX_DIGITS_MAX = 9
# Ids and names have some dozens of characters; anything longer is not one.
_NAME_CHARACTERS_MAX = 500
# The largest number in PostgreSQL's integer.
_COUNT_MAX = 2**31 - 1


class UnreadableError(Exception):
    """The data is not an event, or the event is malformed."""


def loaded(data: bytes) -> dict[str, Any]:
    try:
        event = orjson.loads(data)
    except orjson.JSONDecodeError:
        event = _loaded_broken(data)
    if event is None:
        return {}
    if isinstance(event, list) and event:
        # Gemini's errors are lists.
        event = event[0]
    if not isinstance(event, dict):
        raise UnreadableError("An event is not an object.")
    return event


def _loaded_broken(data: bytes) -> Any:
    # Some servers cut a text within a character: between the halves of a surrogate pair, or between its bytes.
    # orjson refuses both. The halves are kept, for the other one may come with the next event.
    try:
        return json.loads(data.decode(errors="replace"), strict=False, parse_int=_whole_number)
    except (ValueError, RecursionError) as error:
        raise UnreadableError("An event is not JSON.") from error


def _whole_number(digits: str) -> int:
    # What is longer is beyond every bound, and Python refuses it.
    return int(digits[:_DIGITS_MAX])


def object_in(parent: dict[str, Any], key: str) -> dict[str, Any]:
    """The object under this key; an empty one if there is none."""
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def text_in(parent: dict[str, Any], key: str) -> str:
    """The text under this key; an empty one if it is missing or null."""
    value = unwrapped(parent.get(key))
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UnreadableError(f"The {key} of an event is not a text.")
    return value


def unwrapped(value: object) -> object:
    """The text itself where it stands in an object of its own, beside what annotates it."""
    if not isinstance(value, dict):
        return value
    return next((value[key] for key in ("value", "text") if key in value), value)


def id_in(parent: dict[str, Any], key: str) -> str:
    """The id under this key, which some servers give as a number; an empty one if there is none."""
    value = parent.get(key)
    return str(value) if isinstance(value, int) else text_in(parent, key)


def index_in(parent: Event, key: str) -> int | None:
    """The index under this key, which some servers write as a text or with a point."""
    index = parent.get(key)
    if isinstance(index, float) and index.is_integer():
        return int(index)
    if isinstance(index, str) and len(index) <= _INDEX_DIGITS_MAX and index.isdecimal():
        return int(index)
    return index if isinstance(index, int) else None


def short_name(name: object) -> str | None:
    if isinstance(name, str) and 0 < len(name) <= _NAME_CHARACTERS_MAX:
        return storable(name)
    return None


def count(number: object) -> int:
    """A number of tokens, at most what is stored; 0 if it is not one. Some servers send its digits as a text."""
    if isinstance(number, str):
        number = float(number) if number.replace(".", "", 1).isdecimal() else 0
    # Not-a-number is not more than 0. An integer may be longer than any float.
    if not isinstance(number, int | float) or not number > 0:
        return 0
    return int(min(number, _COUNT_MAX))


def coalesced(received: Iterable[bytes], place_of: Callable[[Event], Place | None]) -> Iterator[Event]:
    """The same events in the same order, but neighbouring pieces of one text are one event.

    Events before one that cannot be read are yielded before `UnreadableError` is raised.
    """
    begun: Event | None = None
    place: Place | None = None
    try:
        for data in received:
            event = loaded(data)
            found = place_of(event)
            if place is not None and found is not None and found[0] == place[0]:
                place[1][place[2]] += found[1][found[2]]
                continue
            if begun is not None:
                yield begun
            begun, place = (event, found) if found is not None else (None, None)
            if begun is None:
                yield event
    except UnreadableError:
        if begun is not None:
            yield begun
        raise
    if begun is not None:
        yield begun
