"""Who drives a turn writes the events of one segment."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from uuid import UUID

import structlog

from neo.errors import Edge, Failure, Kind
from neo.events.entry import Position
from neo.events.envelope import Chunk
from neo.events.log import Appended, EventLog
from neo.events.transcript_buffer import FlushInterval, TranscriptBuffer
from neo.kit import Backoff
from neo.streams import StreamsUnavailable
from neo.telemetry import turn_metrics

log = structlog.get_logger()

# After the commit readers can have the last event from PostgreSQL, so the writer need not wait long.
END_SECONDS = 3.0
RETRY_FIRST_SECONDS = 0.02
RETRY_MOST_SECONDS = 1.0
# A store that has lost a segment this often is not worth another claim: it is replayed when it is settled.
CLAIMS_MAX = 8


class Fenced(Failure):
    """A writer found that its segment is settled, or that somebody has a newer claim of it, and stopped."""

    kind = Kind.CONFLICT
    code = "turn_fenced"
    remedy = ""
    edges = (Edge.LOG,)


# A higher claim of the segment from PostgreSQL, or 0 where none is left. Raises `Fenced` when the turn has ended, the
# segment is settled, or somebody else has claimed it.
NextClaim = Callable[[], Awaitable[int]]


class SegmentWriter:
    """Appends one segment's chunks in order, and never makes who writes them wait.

    Write everything, `flush`, settle the segment in PostgreSQL with `position`, and close. What may be sent only after
    the commit, a turn's terminal or that it waits, goes through `end` and has the number after `position`. From the
    flush to the end the position stands still.
    """

    def __init__(
        self,
        events: EventLog,
        session_id: UUID,
        begins: Position,
        *,
        after: Position | None,
        next_claim: NextClaim,
        step: int | None = None,
    ) -> None:
        """`begins` says which segment under which claim, `after` is the last event of the segment before, as it was
        settled, and `step` the number of this segment's step among the turn's, from 1; needed where it has a
        `start-step`.
        """
        self._events = events
        self._session_id = session_id
        self._buffer = TranscriptBuffer(begins.turn, begins.segment, after=after, step=step)
        self._first_claim = begins.claim
        self._next_claim = next_claim
        self._claims_again = 0
        self._fences = 0
        self._has_read_earlier = False
        # The segment is settled, or the turn has ended.
        self._is_settled = False
        self._is_leaving = False
        self._broken: Exception | None = None
        self._task: asyncio.Task[None] | None = None
        self._interval = FlushInterval()
        self._has_delta = False
        self._written = asyncio.Event()
        self._paused = asyncio.Event()
        # Everything that was written is appended, or nothing more is tried.
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def position(self) -> Position:
        """Where the last chunk written is, or will be."""
        return self._buffer.position

    async def open(self) -> None:
        await self._begin(self._first_claim)
        self._task = asyncio.get_running_loop().create_task(
            self._append_all(), name=f"segment-writer-{self._buffer.position.turn}"
        )

    def part_id(self, kind: str) -> str:
        """Name a new text or reasoning part."""
        return self._buffer.part_id(kind)

    def write(self, chunk: Chunk) -> None:
        self._check()
        if self._task is None:
            raise RuntimeError("The writer is not open.")
        self._buffer.write(chunk)
        if not self._has_delta and "delta" in chunk.body:
            self._has_delta = True
            self._interval.flush_now()
        self._go_on()

    async def flush(self, seconds: float) -> bool:
        """Wait until everything written is appended. False when the store has not taken it in this time: then
        nothing more is tried, and no claim taken, until something is written again or `end` is called.
        """
        self._check()
        self._buffer.write_head()
        self._go_on()
        await self._until_idle(seconds)
        self._check()
        return self._buffer.is_streamed

    async def end(self, chunk: Chunk) -> bool:
        """Append what may be sent only after the commit. False when readers get it from PostgreSQL instead."""
        self._check()
        self._is_settled = True
        is_streamed = not self._buffer.is_muted
        if is_streamed:
            self._buffer.write_last(chunk)
            self._go_on()
            await self._until_idle(END_SECONDS)
            self._check()
            is_streamed = self._buffer.is_streamed
        if not is_streamed:
            self._buffer.drop_queued()
            await self._events.wake_readers(self._session_id)
        return is_streamed

    async def aclose(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            # The driver can swallow a cancel that comes while it waits for a connection.
            self._is_leaving = True
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _check(self) -> None:
        if self._broken is not None:
            raise self._broken

    def _go_on(self) -> None:
        if self._buffer.has_queued:
            self._paused.clear()
            self._idle.clear()
            self._written.set()

    async def _until_idle(self, seconds: float) -> None:
        self._interval.stop_waiting()
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            # An append or a claim under way is bounded, and must be over: the position may not move later.
            self._paused.set()
            await self._idle.wait()

    async def _append_all(self) -> None:
        try:
            while not self._is_leaving:
                await self._written.wait()
                self._written.clear()
                await self._append_queued()
                if not self._written.is_set():
                    self._idle.set()
        except Fenced as fenced:
            self._broken = fenced
        except Exception as bug:  # noqa: BLE001  (it is raised at the next write)
            self._broken = bug
        finally:
            self._idle.set()

    async def _append_queued(self) -> None:
        backoff: Backoff | None = None
        while self._buffer.has_queued and not self._paused.is_set() and not self._is_leaving:
            await self._interval.wait()
            try:
                await self._append_batch()
            except Failure as failure:
                if failure.kind is not Kind.UNAVAILABLE:
                    raise
                backoff = backoff or Backoff(
                    first_seconds=RETRY_FIRST_SECONDS, most_seconds=RETRY_MOST_SECONDS
                )
                with suppress(TimeoutError):
                    async with asyncio.timeout(backoff.next_seconds()):
                        await self._paused.wait()
            else:
                backoff = None

    async def _append_batch(self) -> None:
        batch, predecessor = self._buffer.next_batch()
        began = asyncio.get_running_loop().time()
        after = self._buffer.after if predecessor is None else None
        answer = await self._events.append(self._session_id, batch, predecessor=predecessor, after=after)
        self._interval.appended(began)
        if answer is Appended.FENCED:
            turn_metrics.write_fenced()
        if answer is Appended.APPENDED:
            self._buffer.batch_is_appended()
            self._fences = 0
        elif self._is_settled:
            # A settled segment gets no new claim: its readers get it from PostgreSQL.
            self._buffer.mute()
        else:
            await self._write_again()
            if answer is Appended.FENCED:
                await self._check_stream()

    async def _check_stream(self) -> None:
        """PostgreSQL has just given a claim, so it is not this writer that is out of date."""
        self._fences += 1
        if self._fences > 1:
            # The stream's last event was there before our newest claim was taken, and nobody claimed in between: it is
            # from a database that has since been restored to an earlier day.
            log.warning("stream_of_another_past_dropped", session_id=str(self._session_id))
            await self._events.drop(self._session_id)

    async def _write_again(self) -> None:
        self._claims_again += 1
        claim = await self._next_claim() if self._claims_again <= CLAIMS_MAX else 0
        if claim == 0:
            self._buffer.mute()
            return
        turn_no, segment, *_ = self._buffer.position
        log.info(
            "segment_written_again",
            session_id=str(self._session_id),
            turn_no=turn_no,
            segment=segment,
            claim=claim,
        )
        await self._begin(claim)

    async def _begin(self, claim: int) -> None:
        if claim > 1 and not self._has_read_earlier:
            begins = self._buffer.position._replace(claim=claim)
            with suppress(StreamsUnavailable):
                self._buffer.discard(await self._events.parts_begun(self._session_id, begins))
                self._has_read_earlier = True
        self._buffer.restart(claim)
