"""What one attempt has written, kept so that it can be written again under another claim."""

from neo.events.cursor import Position
from neo.events.envelope import Chunk, merge, turn_restarted

# A turn that writes more than this is replayed from PostgreSQL at its end; it would not fit any model anyway.
CHARACTERS_MAX = 8 * 1024 * 1024
# Discarded parts that are named to readers: far beyond what a turn has, and still one small event.
DISCARDED_MAX = 1_000
# One append: enough for any burst, and small enough that Valkey is not held up by it.
BATCH_EVENTS_MAX = 128


class TranscriptBuffer:
    """Numbers the events of the current claim, and keeps those that are not yet appended.

    A number, once given, is that event's for good: a batch whose reply was lost is repeated as it was, so
    only what is in no batch yet may still grow.
    """

    def __init__(self, turn_no: int) -> None:
        self._turn_no = turn_no
        self._claim = 0
        self._first_claim = 0
        self._n = 0
        self._written: list[Chunk] = []
        self._characters = 0
        self._queue: list[tuple[Position, Chunk]] = []
        self._batched = 0
        self._part_ids: dict[str, str] = {}
        self._begun: list[str] = []
        self._discarded: list[str] = []
        # Nothing more is streamed: readers get the turn from PostgreSQL.
        self.is_muted = False

    @property
    def position(self) -> Position:
        return Position(self._turn_no, self._claim, self._n)

    @property
    def is_streamed(self) -> bool:
        """Everything that was written is appended."""
        return not self._queue and not self.is_muted

    @property
    def has_queued(self) -> bool:
        return bool(self._queue)

    def restart(self, claim: int) -> None:
        """Begin again under a new claim: everything that was written is queued anew, with new part ids."""
        self._discarded += self._begun
        self._begun.clear()
        self._queue.clear()
        self._claim, self._n, self._batched = claim, 0, 0
        self._first_claim = self._first_claim or claim
        for chunk in self._written:
            self._enqueue(chunk)

    def discard(self, part_ids: list[str]) -> None:
        self._discarded = part_ids + self._discarded

    def part_id(self, kind: str) -> str:
        """A name for a new part. It carries the claim, so that no two claims' parts share one."""
        number = f"{len(self._part_ids) + 1}"
        part_id = f"{kind}-{self._claim}-{number}"
        self._part_ids[part_id] = f"{kind}-{{}}-{number}"
        return part_id

    def write(self, chunk: Chunk) -> None:
        if self.is_muted:
            return
        self._characters += len(str(chunk.body.get("delta", "")))
        if self._characters > CHARACTERS_MAX:
            self.mute()
            return
        both = merge(self._written[-1], chunk) if self._written else None
        if both is None:
            self._written.append(chunk)
        else:
            self._written[-1] = both
        self._enqueue(chunk)

    def write_last(self, terminal: Chunk) -> None:
        self._enqueue(terminal)

    def mute(self) -> None:
        """Stream no more. The number skipped here keeps any reader from taking what it has for the whole."""
        self.is_muted = True
        self._n += 1
        self._written.clear()
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
        chunk = self._with_part_id(chunk)
        if len(self._queue) > self._batched and (both := merge(self._queue[-1][1], chunk)) is not None:
            self._queue[-1] = (self._queue[-1][0], both)
            return
        self._n += 1
        self._queue.append((self.position, chunk))
        if chunk.begins_part and chunk.part is not None:
            self._begun.append(chunk.part)
        if chunk.type == "start" and self._claim > 1:
            self._enqueue(turn_restarted(self._discarded[-DISCARDED_MAX:]))

    def _with_part_id(self, chunk: Chunk) -> Chunk:
        """The chunk with its part's id under the current claim."""
        if chunk.part is None:
            return chunk
        if (pattern := self._part_ids.get(chunk.part)) is not None:
            return Chunk(chunk.type, chunk.body, pattern.format(self._claim))
        if self._claim != self._first_claim:
            return Chunk(chunk.type, chunk.body, f"{chunk.part}-{self._claim}")
        return chunk
