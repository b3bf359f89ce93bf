"""How a turn stands in PostgreSQL, as far as a tail needs to know."""

from dataclasses import dataclass
from typing import Protocol

from neo.events import Chunk, Position


@dataclass(frozen=True, slots=True)
class TurnState:
    turn_no: int
    is_open: bool
    # The newest claim; 0 when the turn never ran.
    claim: int
    # The `n` of the terminal envelope under the final claim; None when the stream never gets one.
    terminal_n: int | None


@dataclass(frozen=True, slots=True)
class Opening:
    """What PostgreSQL said after the tail's subscription was confirmed: it need not be asked again to begin."""

    newest: TurnState | None


class TurnStatusReader(Protocol):
    """Each question is its own short transaction: a tail holds no connection between them."""

    async def newest(self) -> TurnState | None: ...

    async def turn(self, turn_no: int) -> TurnState | None: ...

    async def replay(self, turn_no: int) -> list[Chunk]:
        """A turn that has ended as chunks, from `start` to its terminal, always the same."""
        ...


async def is_at_end(position: Position, turn: TurnState, turns: TurnStatusReader) -> bool:
    """Whether a reader at this position of the turn has its terminal."""
    if turn.is_open or position.turn != turn.turn_no:
        return False
    if position.claim == turn.claim + 1:
        return position.n >= len(await turns.replay(turn.turn_no))
    if position.claim == turn.claim:
        return turn.terminal_n is not None and position.n >= turn.terminal_n
    return position.claim > turn.claim
