"""The turns of one session, as PostgreSQL would have them: who may write, what is settled, and how they ended."""

from dataclasses import dataclass, field
from typing import NamedTuple

from neo.errors import Failure, Kind
from neo.events import Chunk, Fenced, Position, envelope
from neo.tails.replay import Replay, SettledSegment
from neo.tails.turn_status import Settled, TurnState

CLAIMS_MAX = 62


class LedgerAway(Failure):
    kind = Kind.UNAVAILABLE
    code = "ledger_away"


class Row(NamedTuple):
    """A settled segment."""

    segment: int
    claim: int
    last_n: int
    is_calls: bool
    chunks: list[Chunk]
    # What a client is to hold of it.
    items: list[tuple[str, ...]]


@dataclass
class Turn:
    turn_no: int
    segment: int = 1
    claim: int = 0
    is_open: bool = True
    is_waiting: bool = False
    rows: list[Row] = field(default_factory=list)
    # The first unsettled segment answers calls.
    is_calls: bool = False
    # What is stored of its calls, and told again by whoever answers them anew.
    outcomes: list[tuple[str, str]] = field(default_factory=list)
    terminal: Chunk = field(default_factory=lambda: envelope.finish("stop"))
    terminal_at: Position | None = None
    # Of the segment that was being written when the turn failed.
    unsettled: list[tuple[str, ...]] = field(default_factory=list)
    owner: int = 0
    claims_max: int = CLAIMS_MAX

    @property
    def terminal_n(self) -> int | None:
        return self.terminal_at.n if self.terminal_at is not None else None

    @property
    def steps(self) -> int:
        """Those that are settled."""
        return sum(not row.is_calls for row in self.rows)

    @property
    def items(self) -> list[tuple[str, ...]]:
        return [item for row in self.rows for item in row.items]

    @property
    def text(self) -> str:
        return "".join(item[1] for item in self.items if item[0] == "text")

    @property
    def after(self) -> Position | None:
        """What a claim of the first unsettled segment comes after."""
        if not self.rows:
            return None
        last = self.rows[-1]
        return Position(self.turn_no, last.segment, last.claim, last.last_n)


class Ledger:
    def __init__(self) -> None:
        self.turns: dict[int, Turn] = {}
        self.is_away = False
        self.questions = 0

    def queue(self) -> Turn:
        turn = Turn(len(self.turns) + 1)
        self.turns[turn.turn_no] = turn
        return turn

    def take(self, turn: Turn) -> int:
        """Claim the turn's first unsettled segment; the new owner."""
        assert turn.is_open
        turn.is_waiting = False
        turn.owner += 1
        turn.claim += 1
        return turn.owner

    def settle(
        self, turn: Turn, owner: int, position: Position, row: Row, waiting: Chunk | None = None
    ) -> None:
        """Settle, and give the same owner the next segment, unless the turn waits."""
        self._check(turn, owner, position)
        if waiting is not None:
            row = row._replace(last_n=row.last_n + 1, chunks=[*row.chunks, waiting])
        turn.rows.append(row)
        turn.segment += 1
        turn.outcomes = []
        turn.is_waiting = waiting is not None
        turn.claim = 0 if turn.is_waiting else 1
        turn.owner += turn.is_waiting

    def end(self, turn: Turn, owner: int, position: Position, row: Row | None) -> None:
        """The driver ends the turn, with the segment that it has written or without."""
        self._check(turn, owner, position)
        if row is not None:
            turn.rows.append(row)
            turn.segment += 1
        turn.is_open, turn.terminal_at = False, position.following

    def cancel(self, turn: Turn) -> None:
        """Nobody writes its terminal."""
        turn.is_open, turn.is_waiting, turn.terminal = False, False, envelope.abort()
        turn.terminal_at = Position(turn.turn_no, turn.segment, 63, 1)
        turn.owner += 1

    def check(self, turn: Turn, owner: int, segment: int) -> None:
        if not turn.is_open or turn.owner != owner or turn.segment != segment:
            raise Fenced("Not yours.")

    async def newest(self) -> TurnState | None:
        self.ask()
        return self._state(self.turns.get(len(self.turns)))

    async def turn(self, turn_no: int) -> TurnState | None:
        self.ask()
        return self._state(self.turns.get(turn_no))

    async def has_open(self) -> bool:
        self.ask()
        return any(turn.is_open for turn in self.turns.values())

    async def replay(self, turn_no: int) -> Replay:
        self.ask()
        turn = self.turns[turn_no]
        settled = [
            SettledSegment(row.segment, Position(turn_no, row.segment, row.claim, row.last_n), row.chunks)
            for row in turn.rows
        ]
        terminal = None if turn.is_open else turn.terminal
        return Replay(turn_no, settled, terminal=terminal, terminal_at=turn.terminal_at)

    def ask(self) -> None:
        self.questions += 1
        if self.is_away:
            raise LedgerAway("Away.")

    def _check(self, turn: Turn, owner: int, position: Position) -> None:
        self.check(turn, owner, position.segment)
        if position.claim != turn.claim:
            raise Fenced("Not yours.")

    def _state(self, turn: Turn | None) -> TurnState | None:
        if turn is None:
            return None
        last = turn.rows[-1] if turn.rows else None
        return TurnState(
            turn.turn_no,
            turn.is_open,
            turn.segment,
            turn.claim,
            turn.terminal_at,
            None if last is None else Settled(last.segment, last.claim, last.last_n),
            is_waiting=turn.is_waiting,
        )


class Claimer:
    """A driver's way to a newer claim of its segment: only its owner has any."""

    def __init__(self, ledger: Ledger, turn: Turn, owner: int) -> None:
        self._ledger = ledger
        self._turn = turn
        self._owner = owner
        self._segment = turn.segment

    async def __call__(self) -> int:
        self._ledger.ask()
        self._ledger.check(self._turn, self._owner, self._segment)
        if self._turn.claim >= self._turn.claims_max:
            return 0
        self._turn.claim += 1
        return self._turn.claim
