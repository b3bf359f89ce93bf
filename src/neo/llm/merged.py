"""Deltas that are read together, as one: what an event sets off costs several times what it takes to merge it."""

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from neo.llm.event_json import UnreadableError, loaded

Event: TypeAlias = dict[str, Any]

DELTAS = frozenset(
    {
        "response.output_text.delta",
        "response.reasoning_summary_text.delta",
        "response.reasoning_text.delta",
    }
)


def merged(read: Iterable[bytes]) -> Iterator[Event]:
    """The same events in their order, with deltas that go on with the same text in one.

    What came before an event that cannot be read is told before that is raised.
    """
    held: Event | None = None
    try:
        for data in read:
            event = loaded(data)
            if held is not None and _goes_on(held, event):
                held["delta"] += event["delta"]
                continue
            if held is not None:
                yield held
            held = event if _is_delta(event) else None
            if held is None:
                yield event
    except UnreadableError:
        if held is not None:
            yield held
        raise
    if held is not None:
        yield held


def _is_delta(event: Event) -> bool:
    kind = event.get("type")
    is_known = isinstance(kind, str) and kind in DELTAS
    return is_known and isinstance(event.get("delta"), str) and not event.get("error")


def _goes_on(held: Event, event: Event) -> bool:
    return (
        event.get("type") == held["type"]
        and event.get("item_id") == held.get("item_id")
        and event.get("content_index") == held.get("content_index")
        and event.get("summary_index") == held.get("summary_index")
        and _is_delta(event)
    )
