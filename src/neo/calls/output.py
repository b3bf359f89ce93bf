"""What a tool has brought, cut to what a model reads and what an event holds. The whole is kept as an artifact."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import orjson

from neo.calls.ended import Ended
from neo.connections import Bytes, Content, Json, Text
from neo.llm import arguments_of

# Of one call, and of all calls of a segment together.
OUTPUT_CHARACTERS_MAX = 32_768
SEGMENT_CHARACTERS_MAX = 131_072
# A reader gets events of at most 64 KiB; the rest of such an event is small.
EVENT_BYTES_MAX = 60 * 1024
PREVIEW_CHARACTERS = 4_096
# Of one call; of more, such as a thousand small pictures, the model and readers are told only what they are.
KEPT_MAX = 16
HEAD_SHARE = 0.7
TOO_DEEP = "(The output is nested too deep to be read.)"

# Keeps bytes of a media type as an artifact; None where they cannot be kept.
Keep = Callable[[bytes, str], Awaitable[UUID | None]]


def characters_each(calls: int) -> int:
    """How many characters of each of a segment's calls the model reads: the same whichever ends first."""
    return min(OUTPUT_CHARACTERS_MAX, SEGMENT_CHARACTERS_MAX // max(1, calls))


async def brought(content: Sequence[Content], keep: Keep, characters: int, *, is_untrusted: bool) -> Ended:
    """A call that went well."""
    first: UUID | None = None
    values: list[Any] = []
    tried = 0
    for one in content:
        if isinstance(one, Bytes):
            kept = await keep(one.data, one.media_type) if tried < KEPT_MAX else None
            tried += 1
            first = first or kept
            values.append(
                {"media_type": one.media_type, "bytes": len(one.data), "artifact_id": kept and str(kept)}
            )
        else:
            values.append(one.text if isinstance(one, Text) else one.value)
    value, text = _storable(_whole(content, values))
    data = text.encode()
    untrusted = {"is_untrusted": True} if is_untrusted else {}
    if len(text) <= characters and len(orjson.dumps(value)) <= EVENT_BYTES_MAX:
        return Ended("OK", {"output": value, **untrusted}, output_bytes=len(data), artifact_id=first)
    kept = await keep(data, "text/plain" if isinstance(value, str) else "application/json")
    shown = {"preview": text[:PREVIEW_CHARACTERS], "bytes": len(data), "artifact_id": kept and str(kept)}
    outcome = {"output": shown, "text": cut(text, characters), **untrusted}
    return Ended("OK", outcome, output_bytes=len(data), artifact_id=kept or first)


def cut(text: str, characters: int) -> str:
    """Its head and its tail, with a line between them that says what is missing."""
    if len(text) <= characters:
        return text
    head = int(characters * HEAD_SHARE)
    tail = characters - head
    return f"{text[:head]}\n[{len(text) - characters} characters are left out here]\n{text[-tail:]}"


def _whole(content: Sequence[Content], values: Sequence[Any]) -> Any:
    """One value. Where a server sends a structure and texts, the texts say the same."""
    if content and isinstance(content[0], Json) and all(isinstance(one, Text) for one in content[1:]):
        return values[0]
    if all(isinstance(one, Text) for one in content):
        return "\n".join(values)
    return values[0] if len(values) == 1 else list(values)


def _storable(value: Any) -> tuple[Any, str]:
    """The value as PostgreSQL takes it, and as text."""
    try:
        read = arguments_of(orjson.dumps(value).decode())
        return read, read if isinstance(read, str) else orjson.dumps(read).decode()
    except (TypeError, RecursionError):
        return TOO_DEEP, TOO_DEEP
