"""Joins deltas that arrived together: handling a delta costs several times as much as joining it to the one before."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

from neo.llm.transport.event import Event, UnreadableError, loaded

# Which text an event has a piece of, to be compared; the object that has the piece, and under which key.
Place: TypeAlias = tuple[tuple[Any, ...], Event, str]


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
