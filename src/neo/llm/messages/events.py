"""The events of the Messages API, with deltas that came together joined."""

from collections.abc import Iterable, Iterator

from neo.llm.transport.event import Event, Place, coalesced

# Where a delta of each type has its piece of text.
PIECES = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}


def events_in(received: Iterable[bytes]) -> Iterator[Event]:
    return coalesced(received, _place)


def _place(event: Event) -> Place | None:
    delta = event.get("delta")
    if event.get("type") != "content_block_delta" or not isinstance(delta, dict) or event.get("error"):
        return None
    kind = delta.get("type")
    key = PIECES.get(kind) if isinstance(kind, str) else None
    if key is None or not isinstance(delta.get(key), str):
        return None
    return (kind, event.get("index")), delta, key
