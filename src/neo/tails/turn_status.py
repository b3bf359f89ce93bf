"""How the turns stand in PostgreSQL, around a reader's place."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from neo.events import Claims, Position
from neo.tails.place import Given, Loss, Place
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

    def has_no_more_for(self, place: Place) -> bool:
        """Whether the reader has everything that was settled of its turn."""
        at, settled = place.at, self.settled
        if at is None or settled is None or at.segment > settled.segment:
            return True
        if at.segment < settled.segment:
            return False
        return at == self.settled_end or (at.is_replayed and at == place.replayed_to)

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


@dataclass(frozen=True, slots=True)
class Facts:
    """How things stood in PostgreSQL just before the stream was read."""

    newest: TurnState | None
    # The turn that the reader is in.
    here: TurnState | None

    def of(self, turn_no: int) -> TurnState | None:
        return self.here if self.here is not None and self.here.turn_no == turn_no else None


class FactFinder:
    """Asks PostgreSQL, and corrects a place that cannot be."""

    __slots__ = ("_given", "_opening", "_turns")

    def __init__(self, turns: TurnStatusReader, given: Given, opening: Opening | None) -> None:
        self._turns = turns
        self._given = given
        self._opening = opening

    def forget_opening(self) -> None:
        """What PostgreSQL said when the tail was opened may no longer be so."""
        self._opening = None

    async def ask(self) -> Facts:
        opening, self._opening = self._opening, None
        newest = opening.newest if opening is not None else await self._turns.newest()
        return Facts(newest, await self._here(newest))

    async def _here(self, newest: TurnState | None) -> TurnState | None:
        given, at = self._given, self._given.place.at
        if at is None:
            return None
        if newest is None:
            given.begin_again(None, Loss.FUTURE, reset=at.turn)
            return None
        here = await self._state(at.turn, newest) if at.turn <= newest.turn_no else None
        if here is None:
            loss = Loss.FUTURE if at.turn > newest.turn_no else Loss.LOST
            given.begin_again(newest.turn_no, loss, reset=newest.turn_no)
            return newest
        if _is_beyond(at, here):
            given.begin_again(here.turn_no, Loss.FUTURE, reset=here.turn_no)
        elif at.is_before_segments and at != Position.before(at.turn):
            # What it has was written before turns had segments.
            given.begin_again(here.turn_no, Loss.LOST, reset=here.turn_no)
        return await self._following(here, newest)

    async def _following(self, here: TurnState, newest: TurnState) -> TurnState | None:
        """The turn to go on with: the next one, where the reader has the terminal of this one."""
        place = self._given.place
        if place.at is not None and not place.has_terminal and await is_at_end(place.at, here, self._turns):
            place.reach_end()
        if not place.has_terminal or newest.turn_no <= here.turn_no:
            return here
        place.begin(here.turn_no + 1)
        return await self._state(here.turn_no + 1, newest)

    async def _state(self, turn_no: int, newest: TurnState) -> TurnState | None:
        return newest if turn_no == newest.turn_no else await self._turns.turn(turn_no)


def _is_beyond(position: Position, state: TurnState) -> bool:
    """Whether an open turn cannot have come this far."""
    if not state.is_open:
        return False
    if position.is_replayed:
        return state.settled is None or position.segment > state.settled.segment
    return position[1:3] > (state.segment, state.claim)
