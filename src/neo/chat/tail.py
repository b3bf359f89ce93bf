"""A session's events for one reader: what is kept, then live, and what was lost from PostgreSQL.

Whatever may not come next makes the tail look again: into the stream, which heals a message that pub/sub lost,
and then into PostgreSQL, which tells a closed turn anew. So there is no gap in silence, and no endless wait.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from neo.chat.reading import Reading, TurnState
from neo.events import EventLog, Watch, envelope
from neo.streams import StreamsUnavailable

# While Valkey is away, PostgreSQL is asked this often whether the turn has ended.
DEGRADED_SECONDS = 1.0
# Readers that are sent away together should not come back together.
RETRY_MS_MIN, RETRY_MS_MAX = 500, 3000
# Each further look is for something that happened during the one before.
LOOKS_MAX = 20
KEEP_ALIVE = b": keep-alive\n\n"
DONE = b"data: [DONE]\n\n"


class TurnLedger(Protocol):
    """PostgreSQL's word on a session's turns. No connection is held between two questions."""

    async def newest(self) -> TurnState | None: ...

    async def turn(self, turn_no: int) -> TurnState | None: ...

    async def told(self, turn_no: int) -> list[envelope.Chunk]: ...


@dataclass(frozen=True)
class Pace:
    keep_alive_seconds: float
    life_seconds: float


class Tail:
    def __init__(
        self,
        events: EventLog,
        ledger: TurnLedger,
        session_id: UUID,
        reading: Reading,
        *,
        pace: Pace,
        closing: asyncio.Event,
    ) -> None:
        self._events = events
        self._ledger = ledger
        self._session_id = session_id
        self._reading = reading
        self._pace = pace
        self._closing = closing
        self._is_degraded = False

    async def is_over(self) -> bool:
        """Whether the reader has had the newest turn's last word and no turn is open. Settles where it stands."""
        reading, newest = self._reading, await self._ledger.newest()
        if reading.turn == 0 or newest is None or reading.turn > newest.turn_no:
            return False
        state = newest if reading.turn == newest.turn_no else await self._ledger.turn(reading.turn)
        if state is None or not await self._has_ended(state):
            return False
        reading.await_next()
        return state.turn_no == newest.turn_no

    async def blocks(self) -> AsyncIterator[bytes]:
        """What to send, joined per wake-up, until the turn's end or the tail's."""
        end_at = time.monotonic() + self._pace.life_seconds
        async with self._events.watch(self._session_id) as watch:
            async for block in self._look():
                yield block
            while not self._reading.is_done:
                left_seconds = end_at - time.monotonic()
                if left_seconds <= 0 or self._closing.is_set():
                    yield b"retry: %d\n\n" % random.randint(RETRY_MS_MIN, RETRY_MS_MAX)  # noqa: S311 - jitter.
                    return
                async for block in self._wake_up(watch, left_seconds):
                    yield block
        yield DONE

    async def _wake_up(self, watch: Watch, left_seconds: float) -> AsyncIterator[bytes]:
        pause = DEGRADED_SECONDS if self._is_degraded else self._pace.keep_alive_seconds
        await watch.wait(min(pause, left_seconds))
        entries = watch.take()
        is_stale, watch.is_stale = watch.is_stale, False
        is_whole = self._reading.advance(entries)
        for block in self._reading.blocks():
            yield block
        if entries and is_whole and not is_stale:
            return
        # Silence is looked into as well, for pub/sub can lose a last message unnoticed.
        is_silent = True
        async for block in self._look():
            is_silent = False
            yield block
        if is_silent and not entries:
            yield KEEP_ALIVE

    async def _look(self) -> AsyncIterator[bytes]:
        for _ in range(LOOKS_MAX):
            stood = (self._reading.turn, self._reading.at)
            # Asked before the stream is read: what is closed by now was said by now, but for its last word.
            state = await self._state()
            is_whole = True
            try:
                async for whole in self._read_on(state):
                    is_whole = is_whole and whole
                    for block in self._reading.blocks():
                        yield block
                self._is_degraded = False
            except StreamsUnavailable:
                self._is_degraded = True
            if not self._reading.is_done:
                await self._make_whole(state, is_whole=is_whole)
            for block in self._reading.blocks():
                yield block
            if self._reading.is_done or stood == (self._reading.turn, self._reading.at):
                return

    async def _read_on(self, state: TurnState | None) -> AsyncIterator[bool]:
        position = self._reading.at
        while not self._reading.is_done:
            entries = await self._events.read(self._session_id, position)
            if not entries:
                return
            position = entries[-1].position
            yield self._reading.advance(entries, state)
            # A long replay must not keep the other readers waiting.
            await asyncio.sleep(0)

    async def _state(self) -> TurnState | None:
        if self._reading.turn == 0:
            return None
        return await self._ledger.turn(self._reading.turn)

    async def _make_whole(self, state: TurnState | None, *, is_whole: bool) -> None:
        reading = self._reading
        if reading.turn == 0:
            newest = await self._ledger.newest()
            if newest is not None:
                reading.stand_before(newest.turn_no)
        elif state is None or state.turn_no != reading.turn:
            await self._leave_the_future()
        elif not state.is_open:
            if await self._has_ended(state):
                reading.await_next()
                reading.is_done = not reading.follows
            else:
                reading.tell(state, await self._ledger.told(state.turn_no))
        elif reading.is_inside and reading.at.pen > state.pen:
            reading.reset("future")
            reading.stand_before(state.turn_no)
        elif not is_whole or await self._is_lost():
            reading.reset("lost")

    async def _leave_the_future(self) -> None:
        """A cursor that nobody gave out is told the newest turn; a reader that follows waits for the next one."""
        reading = self._reading
        if reading.at.turn < reading.turn:
            return
        newest = await self._ledger.newest()
        if newest is not None and newest.turn_no >= reading.turn:
            return
        reading.reset("future")
        if newest is not None:
            reading.stand_before(newest.turn_no)

    async def _is_lost(self) -> bool:
        """Whether the stream no longer has the open turn's event that the reader had last."""
        if not self._reading.is_inside or self._is_degraded:
            return False
        try:
            return not await self._events.has(self._session_id, self._reading.at)
        except StreamsUnavailable:
            self._is_degraded = True
            return False

    async def _has_ended(self, state: TurnState) -> bool:
        is_retold = self._reading.at.left == (state.turn_no, state.pen + 1)
        told = len(await self._ledger.told(state.turn_no)) if is_retold else 0
        return self._reading.has_ended(state, told)
