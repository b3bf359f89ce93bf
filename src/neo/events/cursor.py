"""Where an event is in its session, and what a client may say about it."""

import re
from typing import NamedTuple

from neo.errors import Failure, Kind

# A stream id is two numbers; the left one holds the turn and, in its low 16 bits, the claim.
CLAIMS = 65_536
_CURSOR = re.compile(r"([0-9]{1,15})-([0-9]{1,12})", re.ASCII)


class InvalidCursor(Failure):
    """A page's or a tail's cursor was not one that this API gave."""

    kind = Kind.MALFORMED
    code = "invalid_cursor"
    remedy = "Pass it unchanged, or none."


class Position(NamedTuple):
    """The `n`th event under one claim of a turn. Positions compare as their stream ids do."""

    turn: int
    claim: int
    n: int

    def __str__(self) -> str:
        return f"{self.turn * CLAIMS + self.claim}-{self.n}"

    @classmethod
    def of_id(cls, text: str) -> "Position":
        left, _, n = text.partition("-")
        return cls(*divmod(int(left), CLAIMS), int(n))

    @property
    def following(self) -> "Position":
        return Position(self.turn, self.claim, self.n + 1)

    def comes_right_after(self, other: "Position") -> bool:
        return self.n == other.n + 1 and self.claim == other.claim and self.turn == other.turn

    @property
    def is_first(self) -> bool:
        return self.n == 1


def since_cursor(turn_no: int) -> str:
    """The cursor from which exactly this turn is read, before it has said anything."""
    return f"{turn_no * CLAIMS}-0"


def parse_cursor(text: str) -> Position | None:
    """A client's cursor; None when it asks for the beginning."""
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise InvalidCursor("A cursor is an event id, like `65537-12`: digits, a dash, digits.")
    # Turns count from 1, so a smaller left part comes before all of them.
    return Position.of_id(text) if int(found[1]) >= CLAIMS else None
