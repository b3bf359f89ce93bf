"""An event as it is kept and as it is published."""

from typing import NamedTuple
from uuid import UUID

from neo.events.cursor import Position
from neo.events.envelope import EventKind, frame

# Published in place of an event: readers are to look at PostgreSQL.
WAKE_UP = b"n"
_FRAME = b"id: "
_KINDS = {kind.value.encode(): kind for kind in EventKind}


class Entry(NamedTuple):
    """One event, ready to be sent. Its frame is shared by all who read it.

    The first event under a claim names the last event of the segment before, in `after`: whoever has not got that one
    lacks something. It is never sent.
    """

    position: Position
    kind: EventKind
    frame: bytes
    after: Position | None = None


def stream_key(session_id: UUID | str) -> bytes:
    """The session's stream and channel; the braces keep all of a session on one node of a cluster."""
    return b"neo:{%s}:events" % str(session_id).encode()


def published_entry(message: bytes) -> Entry | None:
    """What was published: the kind, `after` where there is one, and the frame. None for a wake-up."""
    if message == WAKE_UP:
        return None
    begin = message.index(_FRAME)
    event_id = message[begin + len(_FRAME) : message.index(b"\n", begin)]
    return Entry(
        Position.of_id(event_id.decode()), _KINDS[message[:1]], message[begin:], _after(message[1:begin])
    )


def kept_entry(event_id: bytes, fields: list[bytes]) -> Entry:
    """What is kept, as `append.lua` writes it: each field's name before its value, and the payload last."""
    position = Position.of_id(event_id.decode())
    after = fields[3] if fields[2] == b"a" else b""
    return Entry(position, _KINDS[fields[1]], frame(position, fields[-1]), _after(after))


def _after(text: bytes) -> Position | None:
    return Position.of_id(text.decode()) if text else None
