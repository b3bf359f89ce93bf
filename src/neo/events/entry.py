"""An event as it is kept and as it is published."""

from typing import NamedTuple
from uuid import UUID

from neo.events.cursor import Position
from neo.events.envelope import EventKind, frame

# Published in place of an event: readers are to look at PostgreSQL.
WAKE_UP = b"n"
_KINDS = {kind.value.encode(): kind for kind in EventKind}


class Entry(NamedTuple):
    """One event, ready to be sent. Its frame is shared by all who read it."""

    position: Position
    kind: EventKind
    frame: bytes


def stream_key(session_id: UUID | str) -> bytes:
    """The session's stream and channel; the braces keep all of a session on one node of a cluster."""
    return b"neo:{%s}:events" % str(session_id).encode()


def published_entry(message: bytes) -> Entry | None:
    """What was published; None for a wake-up."""
    if message == WAKE_UP:
        return None
    kind = _KINDS[message[:1]]
    event_id = message[len(b"?id: ") : message.index(b"\n")]
    return Entry(Position.of_id(event_id.decode()), kind, message[1:])


def kept_entry(event_id: bytes, fields: list[bytes]) -> Entry:
    """What is kept, as `append.lua` writes it: each field's name before its value."""
    position = Position.of_id(event_id.decode())
    _, kind, _, payload = fields
    return Entry(position, _KINDS[kind], frame(position, payload))
