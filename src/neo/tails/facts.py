"""How the turns stand in PostgreSQL, around a reader's position."""

from dataclasses import dataclass

from neo.events import Position
from neo.tails.turn_status import TurnState, TurnStatusReader


@dataclass(frozen=True, slots=True)
class Facts:
    """How things stood in PostgreSQL just before the stream was read."""

    newest: TurnState | None
    # The turn that the reader is in.
    here: TurnState | None

    def of(self, turn_no: int) -> TurnState | None:
        return self.here if self.here is not None and self.here.turn_no == turn_no else None


async def turn_state(turns: TurnStatusReader, turn_no: int, newest: TurnState) -> TurnState | None:
    return newest if turn_no == newest.turn_no else await turns.turn(turn_no)


def is_beyond(position: Position, state: TurnState) -> bool:
    """Whether an open turn cannot have come this far."""
    if not state.is_open:
        return False
    if position.is_replayed:
        return state.settled is None or position.segment > state.settled.segment
    return position[1:3] > (state.segment, state.claim)
