"""Where one reader is, whether an event is the one that comes next, and the frames that are to be sent."""

from dataclasses import dataclass
from enum import Enum, auto

import orjson

from neo.events import Claims, Entry, EventKind, Position, envelope, frame
from neo.telemetry import process_metrics


class Fit(Enum):
    """What an event of the stream is to a reader."""

    NEXT = auto()
    # The reader has it, or it does not count.
    PASSED = auto()
    # Something is missing between what the reader has and this.
    ODD = auto()


class Place:
    """A reader has everything that counts up to its position, and nothing else."""

    __slots__ = ("at", "has_nothing", "has_terminal", "is_passing", "read_to", "replayed_to")

    def __init__(self, cursor: Position | None) -> None:
        # The last event that the reader has, or where its turn begins; None where the session does.
        self.at = cursor
        # How far the stream was read: beyond that, where events are passed over.
        self.read_to = cursor
        # Where what PostgreSQL had of the turn ended, when it was last asked.
        self.replayed_to: Position | None = None
        # The terminal of the turn at `at` was given.
        self.has_terminal = False
        # The reader has nothing of this turn, or was just told to forget it: it needs no (second) reset.
        self.has_nothing = cursor is None
        # The head of the segment that is being written is no longer kept: its events are passed over until it is
        # settled and can be replayed, or is begun anew.
        self.is_passing = False

    def begin(self, turn_no: int | None) -> None:
        """Go to before everything that a turn says; None: to before all turns."""
        self.at = self.read_to = None if turn_no is None else Position.before(turn_no)
        self.replayed_to = None
        self.has_terminal = self.is_passing = False

    def begin_with_nothing(self, turn_no: int) -> None:
        self.begin(turn_no)
        self.has_nothing = True

    def forget(self) -> bool:
        """The reader is to forget what it has of a turn; False if it has nothing."""
        had, self.has_nothing = not self.has_nothing, True
        return had

    def move(self, entry: Entry) -> None:
        self.at = self.read_to = entry.position
        self.has_nothing = self.is_passing = False
        self.has_terminal = entry.kind is EventKind.TERMINAL

    def reach_end(self) -> None:
        """The position is where its turn has ended."""
        self.has_terminal = True

    def pass_by(self, position: Position) -> None:
        """An event was read that the reader does not get."""
        if self.read_to is None or position > self.read_to:
            self.read_to = position

    def replay_to(self, end: Position | None) -> None:
        """What PostgreSQL has of the turn is given now: go on in the stream behind it."""
        self.read_to, self.replayed_to = self.at, end
        self.is_passing = False

    def pass_over(self) -> None:
        """PostgreSQL has no more, and the head of what is being written is not kept."""
        self.is_passing = True

    def fit(self, entry: Entry, claims: Claims) -> Fit:
        position, at = entry.position, self.at
        if at is None:
            return Fit.NEXT if position.is_first and position.segment == 1 else Fit.ODD
        if position <= at or self._is_superseded(position, at, claims):
            return Fit.PASSED
        if position.comes_right_after(at) or (position.is_first and self._may_begin(entry, at)):
            return Fit.NEXT
        is_last = entry.kind in {EventKind.TERMINAL, EventKind.WAITING}
        if self.is_passing and position.turn == at.turn and not position.is_first and not is_last:
            return Fit.PASSED
        return Fit.ODD

    def _is_superseded(self, position: Position, at: Position, claims: Claims) -> bool:
        # What was written before turns had segments is replayed.
        is_old = position.is_before_segments or position.claim < claims.get(position[:2], 0)
        return is_old or (self.has_terminal and position.turn == at.turn)

    def _may_begin(self, entry: Entry, at: Position) -> bool:
        """Whether the reader has all that comes before this claim's first event."""
        position = entry.position
        if position.turn != at.turn:
            return self.has_terminal and position.turn == at.turn + 1 and position.segment == 1
        if position.segment == at.segment:
            return True
        if position.segment == 1:
            return at.n == 0
        # Who has got the segment before from PostgreSQL has it whole, whatever its last event was called.
        return at == entry.after or (at == self.replayed_to and at.segment == position.segment - 1)


class Loss(Enum):
    """Why what follows the reader's position cannot be given from the stream."""

    TRIMMED = "trimmed"
    LOST = "lost"
    FUTURE = "future"


@dataclass(frozen=True, slots=True)
class Shown:
    """Decided once a tail. What is hidden moves its reader on, all the same."""

    progress: bool = True
    """Reasoning, and calls of tools."""
    usage: bool = True
    """Model, tokens, times and cost, which a turn's terminal says."""

    def frame(self, entry: Entry) -> bytes | None:
        if entry.kind is EventKind.PROGRESS and not self.progress:
            return None
        if entry.kind is EventKind.TERMINAL and not self.usage:
            return _without_metadata(entry)
        return entry.frame


SHOWN_WHOLE = Shown()


class Given:
    __slots__ = ("_frames", "_shown", "place")

    def __init__(self, cursor: Position | None, shown: Shown) -> None:
        self.place = Place(cursor)
        self._shown = shown
        self._frames: list[bytes] = []

    def take_frames(self) -> list[bytes]:
        frames, self._frames = self._frames, []
        return frames

    def give(self, entry: Entry) -> None:
        """What is hidden moves the reader on, too."""
        self.place.move(entry)
        if entry.kind is EventKind.CORE:
            self._frames.append(entry.frame)
        elif (shown := self._shown.frame(entry)) is not None:
            self._frames.append(shown)

    def begin_again(self, turn_no: int | None, loss: Loss, *, reset: int) -> None:
        """Go to before a turn, or all turns, and tell the reader to forget what it has of one.

        Its cursor is there from then on: one that is cut off now would otherwise resume behind what it has forgotten.
        """
        if self.place.forget():
            process_metrics.stream_resets.labels(loss.value).inc()
            payload = envelope.stream_reset(reset, loss.value).encode()
            self._frames.append(frame(Position.before(turn_no or 0), payload))
        self.place.begin(turn_no)


def _without_metadata(entry: Entry) -> bytes:
    # Frames are shared by all readers, so this one reader's is made of it. A turn has one terminal.
    chunk = orjson.loads(entry.frame.partition(b"\ndata: ")[2])
    chunk.pop("messageMetadata", None)
    return frame(entry.position, orjson.dumps(chunk))
