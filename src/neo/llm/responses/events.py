"""The events of the Responses API, with deltas that came together joined."""

from collections.abc import Iterable, Iterator

from neo.llm.transport.coalesce import Place, coalesced
from neo.llm.transport.event import Event

DELTAS = frozenset(
    {
        "response.output_text.delta",
        "response.reasoning_summary_text.delta",
        "response.reasoning_text.delta",
    }
)


def events_in(received: Iterable[bytes]) -> Iterator[Event]:
    return coalesced(received, _place)


def _place(event: Event) -> Place | None:
    kind = event.get("type")
    if not isinstance(kind, str) or kind not in DELTAS:
        return None
    if not isinstance(event.get("delta"), str) or event.get("error"):
        return None
    where = (kind, event.get("item_id"), event.get("content_index"), event.get("summary_index"))
    return where, event, "delta"
