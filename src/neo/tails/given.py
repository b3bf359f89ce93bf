"""What a reader was given: its place, and the frames that are to be sent."""

from enum import Enum

from neo.events import Entry, EventKind, Position, envelope
from neo.tails.place import Place
from neo.telemetry import request_metrics


class Loss(Enum):
    """Why what follows the reader's position cannot be given from the stream."""

    TRIMMED = "trimmed"
    LOST = "lost"
    FUTURE = "future"


class Given:
    __slots__ = ("_frames", "_shows_progress", "place")

    def __init__(self, cursor: Position | None, *, show_progress: bool) -> None:
        self.place = Place(cursor)
        self._shows_progress = show_progress
        self._frames: list[bytes] = []

    def take_frames(self) -> list[bytes]:
        frames, self._frames = self._frames, []
        return frames

    def give(self, entry: Entry) -> None:
        """What is hidden moves the reader on, too."""
        self.place.move(entry)
        if self._shows_progress or entry.kind is not EventKind.PROGRESS:
            self._frames.append(entry.frame)

    def begin_again(self, turn_no: int | None, loss: Loss, *, reset: int) -> None:
        """Go to before a turn, or all turns, and tell the reader to forget what it has of one.

        Its cursor is there from then on: one that is cut off now would otherwise resume behind what it has forgotten.
        """
        if self.place.forget():
            request_metrics.stream_reset(loss.value)
            payload = envelope.stream_reset(reset, loss.value).encode()
            self._frames.append(envelope.frame(Position.before(turn_no or 0), payload))
        self.place.begin(turn_no)
