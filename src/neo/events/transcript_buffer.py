"""What a writer was given and has not appended yet, and when it appends."""

import asyncio
from contextlib import suppress

from neo.events.entry import Position
from neo.events.envelope import Chunk, merge, message_metadata, split, turn_restarted

# What is written within this time is appended together: nobody sees text move in smaller steps.
INTERVAL_SECONDS = 0.025
# Under load appends take long, and each writer makes fewer of them: the interval is so many times as long as the last
# append took, up to a bound. The bound is shorter than the time between two readings of one model's answer under load,
# so what one reading brought does not wait for the next.
INTERVAL_APPENDS = 10
INTERVAL_SECONDS_MAX = 0.09
# What is written before the first delta (that the turn has begun) waits this long for it: nobody sees a difference, and
# the first delta does not wait for another append to end.
FIRST_DELTA_SECONDS = 0.1
# A segment that writes more than this is replayed from PostgreSQL once it is settled; it would fit no model anyway.
CHARACTERS_MAX = 8 * 1024 * 1024
# Discarded parts that are named to readers: far beyond what a turn has, and still one small event.
DISCARDED_MAX = 1_000
# One append: enough for any burst, and small enough that Valkey is not held up by it.
BATCH_EVENTS_MAX = 128


class FlushInterval:
    """The first delta is appended at once. After that an append carries what came since the one before."""

    def __init__(self) -> None:
        self._next_at = _now() + FIRST_DELTA_SECONDS
        self._flush_now = asyncio.Event()
        self._is_waiting = True

    def flush_now(self) -> None:
        """What is there now is not to wait for more."""
        self._flush_now.set()

    def stop_waiting(self) -> None:
        """Append at once from now on: someone waits for the end."""
        self._is_waiting = False
        self.flush_now()

    async def wait(self) -> None:
        left = self._next_at - _now()
        if self._is_waiting and left > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._flush_now.wait()
        self._flush_now.clear()

    def appended(self, began: float) -> None:
        took = INTERVAL_APPENDS * (_now() - began)
        self._next_at = began + min(max(took, INTERVAL_SECONDS), INTERVAL_SECONDS_MAX)


def _now() -> float:
    return asyncio.get_running_loop().time()


class TranscriptBuffer:
    """Numbers the events of the current claim, and keeps those that are not yet appended.

    A number, once given, is that event's for good: a batch whose reply was lost is repeated as it was, so
    only what is in no batch yet may still grow.
    """

    def __init__(self, turn_no: int, segment: int, *, after: Position | None, step: int | None) -> None:
        self._turn_no = turn_no
        self._segment = segment
        # The last event of the segment before, which every claim of this one comes after.
        self.after = after
        # Models and tools take turns, unless a segment has waited: then who writes it knows better.
        self._step = (segment + 1) // 2 if step is None else step
        self._claim = 0
        self._n = 0
        self._written: list[Chunk] = []
        self._characters = 0
        self._queue: list[tuple[Position, Chunk]] = []
        self._batched = 0
        self._part_ids: dict[str, str] = {}
        self._begun: list[str] = []
        self._discarded: list[str] = []
        # Nothing more is streamed: readers get the segment from PostgreSQL when it is settled.
        self.is_muted = False

    @property
    def position(self) -> Position:
        return Position(self._turn_no, self._segment, self._claim, self._n)

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
        for chunk in self._written:
            self._enqueue(chunk)

    def discard(self, part_ids: list[str]) -> None:
        self._discarded = part_ids + self._discarded

    def part_id(self, kind: str) -> str:
        """A name for a new part. It carries the segment and the claim, so that no two claims' parts share one."""
        number = f"{len(self._part_ids) + 1}"
        part_id = f"{kind}-{self._segment}-{self._claim}-{number}"
        self._part_ids[part_id] = f"{kind}-{self._segment}-{{}}-{number}"
        return part_id

    def write(self, chunk: Chunk) -> None:
        if self.is_muted:
            return
        self._characters += len(str(chunk.body.get("delta", "")))
        if self._characters > CHARACTERS_MAX:
            self.mute()
            return
        for piece in split(chunk):
            self._write(piece)

    def _write(self, chunk: Chunk) -> None:
        both = merge(self._written[-1], chunk) if self._written else None
        if both is None:
            self._written.append(chunk)
        else:
            self._written[-1] = both
        self._enqueue(chunk)

    def write_last(self, chunk: Chunk) -> None:
        self._enqueue(chunk)

    def write_head(self) -> None:
        """Have a first event, though there is nothing to say: readers count on one of each claim that settles."""
        if self._n == 0:
            self.write(message_metadata({}))

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
        if chunk.type == "start-step" and self._claim > 1:
            self._number(turn_restarted(self._segment, self._step, self._discarded[-DISCARDED_MAX:]))
        chunk = self._with_part_id(chunk)
        if len(self._queue) > self._batched and (both := merge(self._queue[-1][1], chunk)) is not None:
            self._queue[-1] = (self._queue[-1][0], both)
            return
        self._number(chunk)
        if chunk.begins_part and chunk.part is not None:
            self._begun.append(chunk.part)

    def _number(self, chunk: Chunk) -> None:
        self._n += 1
        self._queue.append((self.position, chunk))

    def _with_part_id(self, chunk: Chunk) -> Chunk:
        """The chunk with its part's id under the current claim. A call of a tool keeps its own."""
        if chunk.part is None or (pattern := self._part_ids.get(chunk.part)) is None:
            return chunk
        return Chunk(chunk.type, chunk.body, pattern.format(self._claim))
