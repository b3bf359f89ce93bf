"""An event: where it is in its session, what a client may say about that, and how it is kept and published."""

import re
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from neo.errors import Failure, Kind

# A stream id is two numbers. The left one holds the turn, below it in 10 bits the segment, and in 6 the claim.
TURN_IDS = 65_536
SEGMENT_IDS = 64
# Live claims count from 1 to 62. Under this one a segment that is settled is replayed from PostgreSQL.
REPLAY_CLAIM = SEGMENT_IDS - 1
_CURSOR = re.compile(r"([0-9]{1,15})-([0-9]{1,12})", re.ASCII)
# Published in place of an event: readers are to look at PostgreSQL.
WAKE_UP = b"n"
_FRAME = b"id: "


class InvalidCursor(Failure):
    """A page's or a tail's cursor was not one that this API gave."""

    kind = Kind.MALFORMED
    code = "invalid_cursor"
    remedy = "Pass it unchanged, or none."


class Position(NamedTuple):
    """The `n`th event under one claim of a turn's segment. Positions compare as their stream ids do.

    Segments count from 1. What has segment 0 is a turn's beginning, or from before turns had segments.
    """

    turn: int
    segment: int
    claim: int
    n: int

    def __str__(self) -> str:
        return f"{self.turn * TURN_IDS + self.segment * SEGMENT_IDS + self.claim}-{self.n}"

    @classmethod
    def of_id(cls, text: str) -> "Position":
        left, _, n = text.partition("-")
        turn, rest = divmod(int(left), TURN_IDS)
        return cls(turn, *divmod(rest, SEGMENT_IDS), int(n))

    @classmethod
    def before(cls, turn_no: int) -> "Position":
        """The place before everything that a turn says."""
        return cls(turn_no, 0, 0, 0)

    @property
    def following(self) -> "Position":
        return self._replace(n=self.n + 1)

    def comes_right_after(self, other: "Position") -> bool:
        return self.n == other.n + 1 and self[:3] == other[:3]

    @property
    def is_first(self) -> bool:
        """It is the first event of its claim, which says what the claim goes on from."""
        return self.n == 1

    @property
    def is_replayed(self) -> bool:
        return self.claim == REPLAY_CLAIM

    @property
    def is_before_segments(self) -> bool:
        """It comes before a turn's first segment."""
        return self.segment == 0


def since_cursor(turn_no: int) -> str:
    """The cursor from which exactly this turn is read, before it has said anything."""
    return str(Position.before(turn_no))


def parse_cursor(text: str) -> Position | None:
    """A client's cursor; None when it asks for the beginning."""
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise InvalidCursor("A cursor is an event id, like `65601-12`: digits, a dash, digits.")
    # Turns count from 1, so a smaller left part comes before all of them.
    return Position.of_id(text) if int(found[1]) >= TURN_IDS else None


class EventKind(StrEnum):
    """Kept beside each event, so that a server may sort events without parsing them."""

    CORE = "c"
    PROGRESS = "p"
    TERMINAL = "t"
    # The turn waits for a decision or for a call: it ends a response, but not the turn.
    WAITING = "w"


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


def frame(position: object, payload: bytes) -> bytes:
    """An event as a reader gets it."""
    return b"id: %s\ndata: %s\n\n" % (str(position).encode(), payload)
