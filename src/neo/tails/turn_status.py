"""What a tail asks of PostgreSQL's truth."""

from dataclasses import dataclass
from typing import Protocol

from neo.events import Chunk, Position, Since


@dataclass(frozen=True, slots=True)
class TurnState:
    turn_no: int
    is_open: bool
    # The newest pen; 0 when the turn never ran.
    pen: int
    # The `n` of the terminal envelope under the final pen; None when the stream never gets one.
    terminal_n: int | None


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What PostgreSQL said of the session as its tail was asked for."""

    newest: TurnState | None
    # The moment before; None if the session was not heard then.
    since: Since | None


class TurnLedger(Protocol):
    """Each question is its own short transaction: a tail holds no connection between them."""

    async def newest(self) -> TurnState | None: ...

    async def turn(self, turn_no: int) -> TurnState | None: ...

    async def told(self, turn_no: int) -> list[Chunk]:
        """A closed turn as chunks, from `start` to its terminal, always the same."""
        ...


async def is_past(position: Position, turn: TurnState, ledger: TurnLedger) -> bool:
    """Whether a reader at this position of the turn has had its end."""
    if turn.is_open or position.turn != turn.turn_no:
        return False
    if position.pen == turn.pen + 1:
        return position.n >= len(await ledger.told(turn.turn_no))
    if position.pen == turn.pen:
        return turn.terminal_n is not None and position.n >= turn.terminal_n
    return position.pen > turn.pen
