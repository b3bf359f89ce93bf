"""Where an event is in its session, and what a client may say about it."""

import re
from typing import NamedTuple

from neo.errors import Failure, Kind

# A stream id is two numbers. The left one holds the turn, below it in 10 bits the segment, and in 6 the claim.
TURN_IDS = 65_536
SEGMENT_IDS = 64
# Live claims count from 1 to 62. Under this one a segment that is settled is replayed from PostgreSQL.
REPLAY_CLAIM = SEGMENT_IDS - 1
_CURSOR = re.compile(r"([0-9]{1,15})-([0-9]{1,12})", re.ASCII)


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
