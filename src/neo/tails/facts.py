"""How the turns stand in PostgreSQL, around a reader's place."""

from dataclasses import dataclass

from neo.events import Position
from neo.tails.place import Given, Loss
from neo.tails.turn_status import Opening, TurnState, TurnStatusReader, is_at_end


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
