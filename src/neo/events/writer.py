"""The right to write a turn, and one attempt's use of it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from uuid import UUID

import structlog

from neo.errors import Failure, Kind
from neo.events.cursor import Position
from neo.events.envelope import Chunk
from neo.events.errors import Fenced
from neo.events.flush_interval import Pace
from neo.events.store import Appended, EventStore
from neo.events.transcript import Script
from neo.streams import Backoff, StreamsUnavailable
from neo.telemetry import turn_metrics

log = structlog.get_logger()

# After the turn is closed its readers can have the end from PostgreSQL, so its writer need not wait long.
END_SECONDS = 3.0
RETRY_FIRST_SECONDS = 0.02
RETRY_MOST_SECONDS = 1.0
# A store that has lost a turn this often is not worth another pen: the turn is told at its end.
PENS_MAX = 50

# Counts the turn's pen up in PostgreSQL. Raises `Fenced` when the turn is closed or someone else's.
ClaimPen = Callable[[], Awaitable[int]]


class TurnWriter:
    """Says one attempt's chunks in order, and never makes the speaker wait.

    Say everything, `flush`, close the turn in PostgreSQL with `position` (the terminal's `n` is the next),
    then `end`. From the flush to the end the position stands still.
    """

    def __init__(self, store: EventStore, session_id: UUID, turn_no: int, *, claim_pen: ClaimPen) -> None:
        self._store = store
        self._session_id = session_id
        self._turn_no = turn_no
        self._claim_pen = claim_pen
        self._script = Script(turn_no)
        self._pens = 0
        self._fences = 0
        self._has_read_earlier = False
        self._is_closed = False
        self._is_leaving = False
        self._broken: Exception | None = None
        self._task: asyncio.Task[None] | None = None
        self._pace = Pace()
        self._has_spoken = False
        self._spoken = asyncio.Event()
        self._hushed = asyncio.Event()
        self._rests = asyncio.Event()
        self._rests.set()

    @property
    def position(self) -> Position:
        """Where the last chunk said is, or will be."""
        return self._script.position

    async def open(self) -> None:
        pen = await self._claim_pen()
        await self._begin(pen)
        self._task = asyncio.get_running_loop().create_task(
            self._append_all(), name=f"turn-writer-{self._turn_no}"
        )

    def part_id(self, kind: str) -> str:
        """Name a new text or reasoning part."""
        return self._script.part_id(kind)

    def say(self, chunk: Chunk) -> None:
        self._check()
        if self._task is None:
            raise RuntimeError("The writer is not open.")
        self._script.say(chunk)
        if not self._has_spoken and "delta" in chunk.body:
            self._has_spoken = True
            self._pace.hurry()
        self._go_on()

    async def flush(self, seconds: float) -> bool:
        """Wait until everything said is appended. False when the store has not taken it in this time: then
        nothing more is tried, and no pen claimed, until something is said again or the turn ends.
        """
        self._check()
        await self._rest(seconds)
        self._check()
        return self._script.is_told

    async def end(self, terminal: Chunk) -> bool:
        """Append the terminal of a turn that is closed. False when readers get it from PostgreSQL instead."""
        self._check()
        self._is_closed = True
        was_told = not self._script.is_mute
        if was_told:
            self._script.say_last(terminal)
            self._go_on()
            await self._rest(END_SECONDS)
            self._check()
            was_told = self._script.is_told
        if not was_told:
            self._script.drop_queued()
            with suppress(StreamsUnavailable):
                await self._store.nudge(self._session_id)
        return was_told

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
        if self._script.has_queued:
            self._hushed.clear()
            self._rests.clear()
            self._spoken.set()

    async def _rest(self, seconds: float) -> None:
        self._pace.gather_no_more()
        try:
            async with asyncio.timeout(seconds):
                await self._rests.wait()
        except TimeoutError:
            # An append or a claim under way is bounded, and must be over: the position may not move later.
            self._hushed.set()
            await self._rests.wait()

    async def _append_all(self) -> None:
        try:
            while not self._is_leaving:
                await self._spoken.wait()
                self._spoken.clear()
                await self._append_queued()
                if not self._spoken.is_set():
                    self._rests.set()
        except Fenced as fenced:
            self._broken = fenced
        except Exception as bug:  # noqa: BLE001  (the speaker hears of it at its next word)
            self._broken = bug
        finally:
            self._rests.set()

    async def _append_queued(self) -> None:
        backoff = Backoff(first_seconds=RETRY_FIRST_SECONDS, most_seconds=RETRY_MOST_SECONDS)
        while self._script.has_queued and not self._hushed.is_set() and not self._is_leaving:
            await self._pace.wait()
            try:
                await self._append_batch()
            except Failure as failure:
                if failure.kind is not Kind.UNAVAILABLE:
                    raise
                with suppress(TimeoutError):
                    async with asyncio.timeout(backoff.next_seconds()):
                        await self._hushed.wait()
            else:
                backoff.reset()

    async def _append_batch(self) -> None:
        batch, predecessor = self._script.next_batch()
        began = asyncio.get_running_loop().time()
        answer = await self._store.append(self._session_id, batch, predecessor=predecessor)
        self._pace.appended(began)
        if answer is Appended.FENCED:
            turn_metrics.write_fenced()
        if answer is Appended.APPENDED:
            self._script.batch_is_appended()
            self._fences = 0
        elif self._is_closed:
            # A closed turn gets no new pen: its readers get the end from PostgreSQL.
            self._script.fall_mute()
        else:
            await self._say_again()
            if answer is Appended.FENCED:
                await self._look_beyond()

    async def _look_beyond(self) -> None:
        """PostgreSQL has just given a pen, so it is not this writer that is out of date."""
        self._fences += 1
        if self._fences > 1:
            # The stream's tip was there before our newest pen was claimed, and no attempt came in between: it
            # is from a database that has since been restored to an earlier day.
            log.warning("stream_of_another_past_dropped", session_id=str(self._session_id))
            await self._store.drop(self._session_id)

    async def _say_again(self) -> None:
        if self._pens >= PENS_MAX:
            self._script.fall_mute()
            return
        pen = await self._claim_pen()
        log.info("turn_said_again", session_id=str(self._session_id), turn_no=self._turn_no, pen=pen)
        await self._begin(pen)

    async def _begin(self, pen: int) -> None:
        self._pens += 1
        if pen > 1 and not self._has_read_earlier:
            with suppress(StreamsUnavailable):
                earlier = await self._store.parts_begun(self._session_id, self._turn_no, before_pen=pen)
                self._script.discard(earlier)
                self._has_read_earlier = True
        self._script.take_pen(pen)
