"""What the events of the Responses API say: deltas that came together as one, and the texts of whole items."""

from collections.abc import Iterable, Iterator
from typing import Any, Literal, TypeAlias

from neo.llm.reading.event import Event, Place, coalesced

Kind: TypeAlias = Literal["text", "refusal", "summary", "reasoning"]

_KEYS: dict[str, tuple[Kind, str]] = {
    "output_text": ("text", "text"),
    "text": ("text", "text"),
    "refusal": ("refusal", "refusal"),
    "summary_text": ("summary", "text"),
    "reasoning_text": ("reasoning", "text"),
}
DELTAS = frozenset(
    {
        "response.output_text.delta",
        "response.reasoning_summary_text.delta",
        "response.reasoning_text.delta",
    }
)
# Which text a delta is a piece of.
PLACE = ("item_id", "output_index", "content_index", "summary_index")


def events_in(received: Iterable[bytes]) -> Iterator[Event]:
    return coalesced(received, _place)


def _place(event: Event) -> Place | None:
    kind = event.get("type")
    if not isinstance(kind, str) or kind not in DELTAS:
        return None
    if not isinstance(event.get("delta"), str) or event.get("error"):
        return None
    return (kind, *(event.get(key) for key in PLACE)), event, "delta"


def texts_of(item: Event) -> Iterator[tuple[Kind, int, str]]:
    """Each text of an item, with its kind and its index in the item."""
    kind: Kind
    match item.get("type"):
        case "message":
            kind = "text"
        case "reasoning":
            kind = "reasoning"
        case _:
            return
    for parts in (item.get("summary"), item.get("content")):
        for index, part in enumerate(parts if isinstance(parts, list) else (parts,)):
            # Some gateways write a text in place of its parts.
            found = (kind, part) if isinstance(part, str) else text_of(part)
            if found is not None:
                yield found[0], index, found[1]


def text_of(part: Any) -> tuple[Kind, str] | None:
    if not isinstance(part, dict):
        return None
    kind = part.get("type")
    found = _KEYS.get(kind) if isinstance(kind, str) else None
    text = part.get(found[1]) if found is not None else None
    return (found[0], text) if found is not None and isinstance(text, str) else None
