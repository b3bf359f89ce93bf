"""Joins deltas that arrived together: handling a delta costs several times as much as joining it to the one before."""

from collections.abc import Iterable, Iterator

from neo.llm.transport.event import Event, UnreadableError, loaded

DELTAS = frozenset(
    {
        "response.output_text.delta",
        "response.reasoning_summary_text.delta",
        "response.reasoning_text.delta",
    }
)


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
