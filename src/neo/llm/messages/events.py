"""The events of the Messages API, with deltas that came together joined."""

from collections.abc import Iterable, Iterator
from typing import Any

from neo.llm.reading.event import Event, Place, coalesced, object_in

# Where a delta of each type has its piece.
PIECES = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
# What says of a block without a type which one it is.
_KEYS_OF_BLOCKS = {"text": "text", "thinking": "thinking", "input": "tool_use"}


def events_in(received: Iterable[bytes]) -> Iterator[Event]:
    return coalesced(received, _place)


def kind_of(event: Event) -> str | None:
    """The event's type. Gateways that leave it to the stream's `event` field show it by what they send."""
    kind = event.get("type")
    if kind is not None:
        return kind if isinstance(kind, str) else None
    if "content_block" in event:
        return "content_block_start"
    if object_in(event, "message"):
        return "message_start"
    if delta := object_in(event, "delta"):
        return "message_delta" if "stop_reason" in delta else "content_block_delta"
    return "message" if "content" in event and "stop_reason" in event else None


def kind_of_delta(delta: Event) -> str | None:
    """The type of a delta with a piece. Some name it like its block; where it is left out, the piece's name says it."""
    kind = delta.get("type")
    if kind is None:
        return next((kind for kind, key in PIECES.items() if key in delta), None)
    if not isinstance(kind, str):
        return None
    return next((name for name in (kind, f"{kind}_delta") if name in PIECES), None)


def kind_of_block(block: Event) -> str | None:
    """The type of a block. Where it is left out, what the block has says it."""
    kind = block.get("type")
    if kind is None:
        return next((kind for key, kind in _KEYS_OF_BLOCKS.items() if key in block), None)
    return kind if isinstance(kind, str) else None


def blocks_of(content: Any) -> list[Any]:
    """The blocks of a message that came whole. Some gateways write a text in place of its block."""
    blocks = content if isinstance(content, list) else [content]
    return [{"type": "text", "text": block} if isinstance(block, str) else block for block in blocks if block]


def _place(event: Event) -> Place | None:
    delta = event.get("delta")
    if event.get("type") != "content_block_delta" or not isinstance(delta, dict) or event.get("error"):
        return None
    kind = kind_of_delta(delta)
    # Pieces of arguments stay apart: where they come again tells which of them count.
    if kind in (None, "input_json_delta") or not isinstance(delta.get(PIECES[kind]), str):
        return None
    return (kind, event.get("index")), delta, PIECES[kind]
