"""What one attempt says, kept so that it can be said again under another pen."""

from neo.events.cursor import Position
from neo.events.envelope import Chunk, merge, turn_restarted

# A turn that says more than this is told from PostgreSQL at its end; it would not fit any model anyway.
SAID_CHARACTERS_MAX = 8 * 1024 * 1024
# Discarded parts that are named to readers: far beyond what a turn has, and still one small event.
DISCARDED_MAX = 1_000
# One append: enough for any burst, and small enough that Valkey is not held up by it.
BATCH_EVENTS_MAX = 128


class Script:
    """Numbers the events of the current pen, and holds those that are not yet appended.

    A number, once given, is that event's for good: a batch whose reply was lost is repeated as it was, so
    only what is in no batch yet may still grow.
    """

    def __init__(self, turn_no: int) -> None:
        self._turn_no = turn_no
        self._pen = 0
        self._first_pen = 0
        self._n = 0
        self._said: list[Chunk] = []
        self._said_characters = 0
        self._queue: list[tuple[Position, Chunk]] = []
        self._batched = 0
        self._issued: dict[str, str] = {}
        self._begun: list[str] = []
        self._discarded: list[str] = []
        self.is_mute = False

    @property
    def position(self) -> Position:
        return Position(self._turn_no, self._pen, self._n)

    @property
    def is_told(self) -> bool:
        return not self._queue and not self.is_mute

    @property
    def has_queued(self) -> bool:
        return bool(self._queue)

    def take_pen(self, pen: int) -> None:
        """Begin again under a new pen: everything that was said is queued anew, with new part ids."""
        self._discarded += self._begun
        self._begun.clear()
        self._queue.clear()
        self._pen, self._n, self._batched = pen, 0, 0
        self._first_pen = self._first_pen or pen
        for chunk in self._said:
            self._enqueue(chunk)

    def discard(self, part_ids: list[str]) -> None:
        self._discarded = part_ids + self._discarded

    def part_id(self, kind: str) -> str:
        """A name for a new part. It carries the pen, so that no two pens' parts share one."""
        number = f"{len(self._issued) + 1}"
        part_id = f"{kind}-{self._pen}-{number}"
        self._issued[part_id] = f"{kind}-{{}}-{number}"
        return part_id

    def say(self, chunk: Chunk) -> None:
        if self.is_mute:
            return
        self._said_characters += len(str(chunk.body.get("delta", "")))
        if self._said_characters > SAID_CHARACTERS_MAX:
            self.fall_mute()
            return
        both = merge(self._said[-1], chunk) if self._said else None
        if both is None:
            self._said.append(chunk)
        else:
            self._said[-1] = both
        self._enqueue(chunk)

    def say_last(self, terminal: Chunk) -> None:
        self._enqueue(terminal)

    def fall_mute(self) -> None:
        """Say no more. The number skipped here keeps any reader from taking what it has for the whole."""
        self.is_mute = True
        self._n += 1
        self._said.clear()
        self.drop_queued()

    def drop_queued(self) -> None:
        self._queue.clear()
        self._batched = 0

    def next_batch(self) -> tuple[list[tuple[Position, Chunk]], Position | None]:
        """The events to append next, and what must be the stream's last event before them."""
        self._batched = self._batched or min(len(self._queue), BATCH_EVENTS_MAX)
        batch = self._queue[: self._batched]
        first = batch[0][0]
        return batch, None if first.is_first else first._replace(n=first.n - 1)

    def batch_is_appended(self) -> None:
        del self._queue[: self._batched]
        self._batched = 0

    def _enqueue(self, chunk: Chunk) -> None:
        chunk = self._named(chunk)
        if len(self._queue) > self._batched and (both := merge(self._queue[-1][1], chunk)) is not None:
            self._queue[-1] = (self._queue[-1][0], both)
            return
        self._n += 1
        self._queue.append((self.position, chunk))
        if chunk.begins_part and chunk.part is not None:
            self._begun.append(chunk.part)
        if chunk.type == "start" and self._pen > 1:
            self._enqueue(turn_restarted(self._discarded[-DISCARDED_MAX:]))

    def _named(self, chunk: Chunk) -> Chunk:
        if chunk.part is None:
            return chunk
        if (issued := self._issued.get(chunk.part)) is not None:
            return Chunk(chunk.type, chunk.body, issued.format(self._pen))
        if self._pen != self._first_pen:
            return Chunk(chunk.type, chunk.body, f"{chunk.part}-{self._pen}")
        return chunk
