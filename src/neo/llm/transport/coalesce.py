"""Joins deltas that arrived together: handling a delta costs several times as much as joining it to the one before."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from neo.llm.transport.event import Event, UnreadableError, loaded


class Place(NamedTuple):
    """Where an event has its piece of a text."""

    text: object
    """Which text it is a piece of."""
    parent: Event
    key: str


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
            if place is not None and found is not None and found.text == place.text:
                place.parent[place.key] += found.parent[found.key]
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
