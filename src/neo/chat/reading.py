"""Where one reader stands in a session's stream, and which event may come next. No I/O."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson

from neo.events import BEGINNING, Entry, Position, Weight, envelope, frame

BLOCK_BYTES_MAX = 64 * 1024


@dataclass(frozen=True)
class TurnState:
    """A turn in PostgreSQL. `terminal_n` is where its events end under its last pen; None: not in the stream."""

    turn_no: int
    is_open: bool
    pen: int
    terminal_n: int | None


class Reading:
    def __init__(self, cursor: Position | None, *, shows_progress: bool, follows: bool) -> None:
        # The turn waited for; 0 takes whichever comes first.
        self.at = cursor if cursor is not None and cursor.turn > 0 else BEGINNING
        self.turn = self.at.turn
        self.is_done = False
        self._has_seen = self.at != BEGINNING
        self._awaits_start = False
        self._shows_progress = shows_progress
        self.follows = follows
        self._out: list[bytes] = []

    @property
    def is_inside(self) -> bool:
        """Whether something of the awaited turn has been read."""
        return self.at.turn == self.turn and self.at.n > 0

    def advance(self, entries: Iterable[Entry], state: TurnState | None = None) -> bool:
        """Take what may be sent; false when something is missing in between."""
        is_whole = True
        for entry in entries:
            if self.is_done:
                break
            if entry.position > self.at and not self._is_superseded(entry, state):
                is_whole = self._take(entry) and is_whole
        return is_whole

    def reset(self, reason: str) -> None:
        """Say once that what the reader has of this turn will be told again."""
        if not self._awaits_start and self._has_seen:
            self._awaits_start = True
            self._out.append(frame(None, orjson.dumps(envelope.stream_reset(self.turn, reason))))

    def stand_before(self, turn_no: int) -> None:
        self.turn, self.at = turn_no, Position(turn_no, 0, 0)

    def await_next(self) -> None:
        self.turn += 1

    def tell(self, state: TurnState, chunks: Sequence[envelope.Chunk]) -> None:
        """A closed turn from PostgreSQL: its last word alone when that is all that is missing, else the whole."""
        if self.at.left == (state.turn_no, state.pen) and state.terminal_n == self.at.n + 1:
            self._send(Entry.of(Position(*self.at.left, self.at.n + 1), chunks[-1]))
            return
        left = (state.turn_no, state.pen + 1)
        told = self.at.n if self.at.left == left else 0
        if not told and state.pen:
            self.reset("lost")
        for n, chunk in enumerate(chunks[told:], start=told + 1):
            self._send(Entry.of(Position(*left, n), chunk))

    def has_ended(self, state: TurnState, told: int) -> bool:
        """Whether the reader has had a closed turn's last word, from the stream or as told in `told` events."""
        if state.is_open or self.at.turn != state.turn_no:
            return False
        if self.at.pen == state.pen:
            return state.terminal_n is not None and self.at.n >= state.terminal_n
        return self.at.pen > state.pen + 1 or (self.at.pen == state.pen + 1 and self.at.n >= told)

    def blocks(self) -> Iterable[bytes]:
        """What is to be sent, joined into blocks of bounded size."""
        block = b""
        for piece in self._out:
            block += piece
            if len(block) >= BLOCK_BYTES_MAX:
                yield block
                block = b""
        self._out.clear()
        if block:
            yield block

    def _is_superseded(self, entry: Entry, state: TurnState | None) -> bool:
        turn, pen, _ = entry.position
        return state is not None and turn == state.turn_no and pen < state.pen

    def _take(self, entry: Entry) -> bool:
        turn, _, n = entry.position
        if self.turn == 0:
            # From the beginning of what is kept: the first turn that is there from its start.
            self.turn = turn if n == 1 else 0
        if self.turn == 0 or turn < self.turn:
            return True
        is_next = entry.position.left == self.at.left and n == self.at.n + 1
        if turn == self.turn and (is_next or (n == 1 and entry.position.left > self.at.left)):
            self._send(entry)
            return True
        return False

    def _send(self, entry: Entry) -> None:
        self.at = entry.position
        self._has_seen, self._awaits_start = True, False
        if entry.weight is not Weight.PROGRESS or self._shows_progress:
            self._out.append(entry.frame)
        if entry.weight is Weight.TERMINAL:
            self.is_done = not self.follows
            self.await_next()
