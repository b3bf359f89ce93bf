"""How a turn stands in PostgreSQL, as far as a tail needs to know."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from neo.events import Claims, Position
from neo.tails.replay import Replay


class Settled(NamedTuple):
    """A turn's last settled segment, and the number of its last event; None where nobody streamed it."""

    segment: int
    claim: int
    last_n: int | None


@dataclass(frozen=True, slots=True)
class TurnState:
    turn_no: int
    is_open: bool
    # The first segment that is not settled, and its newest claim; 0 when nobody has claimed it.
    segment: int
    claim: int
    # Where the terminal envelope is, or would be, in the stream; None for a turn from before turns had segments.
    terminal: Position | None
    settled: Settled | None
    is_waiting: bool = False

    @property
    def settled_end(self) -> Position | None:
        """The last event of what is settled, as it was streamed."""
        settled = self.settled
        if settled is None or settled.last_n is None:
            return None
        return Position(self.turn_no, settled.segment, settled.claim, settled.last_n)

    @property
    def claims(self) -> Claims:
        """The claims that count, of its two newest segments: what older ones wrote is passed over."""
        known = {(self.turn_no, self.segment): self.claim} if self.is_open else {}
        if self.settled is not None:
            known[self.turn_no, self.settled.segment] = self.settled.claim
        return known

    def waits_at(self, position: Position) -> bool:
        """Whether it waits, and the segment that this position is in said so."""
        return self.is_waiting and self.settled is not None and self.settled.segment == position.segment


@dataclass(frozen=True, slots=True)
class Opening:
    """What PostgreSQL said after the tail's subscription was confirmed: it need not be asked again to begin."""

    newest: TurnState | None


class TurnStatusReader(Protocol):
    """Each question is its own short transaction: a tail holds no connection between them."""

    async def newest(self) -> TurnState | None: ...

    async def turn(self, turn_no: int) -> TurnState | None: ...

    async def has_open(self) -> bool:
        """Whether any turn is open: an older one may be, where a newer one was cancelled while it waited its turn."""
        ...

    async def replay(self, turn_no: int) -> Replay:
        """What is settled of a turn, and its terminal once it has ended."""
        ...


async def is_at_end(position: Position, turn: TurnState, turns: TurnStatusReader) -> bool:
    """Whether a reader at this position of the turn has its terminal."""
    if turn.is_open or position.turn != turn.turn_no or position.is_before_segments:
        return False
    if position.is_replayed or turn.terminal is None:
        end = (await turns.replay(turn.turn_no)).end
        return end is not None and position >= end
    return position >= turn.terminal
