"""One reader's tail of a session: the stream's liveness on PostgreSQL's truth."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

from neo.access import Credential
from neo.chat.tail_closing import OpenTails
from neo.chat.tail_ledger import TurnLedger, TurnState, is_past
from neo.chat.tail_reader import TailReader
from neo.events import EventLog, Position, Watch

__all__ = ["OpenTails", "Tail", "TailPace", "TurnLedger", "TurnState"]

DONE = b"data: [DONE]\n\n"
KEEP_ALIVE = b": keep-alive\n\n"
# All frames at hand go out in one send; a bigger one would only wait in the server's own buffer.
SEND_BYTES_MAX = 64 * 1024
EXPIRY_LEEWAY_SECONDS = 60.0
# Between turns only the end of a turn that never ran can be missed: PostgreSQL is asked every so often.
QUIET_LOOKS = 4


@dataclass(frozen=True, slots=True)
class TailPace:
    """How long things take."""

    keep_alive_seconds: float = 15.0
    life_seconds: float = 600.0
    # While Valkey is away, PostgreSQL is asked this often.
    poll_seconds: float = 1.0
    # When a client that was sent away comes back; spread, so that not all come at once.
    retry_ms_min: int = 500
    retry_ms_max: int = 2_000


class Tail:
    """Ask `is_over` before the response begins (204), then send what `pieces` gives."""

    __slots__ = (
        "_credential",
        "_cursor",
        "_events",
        "_follow",
        "_is_gone",
        "_ledger",
        "_looks",
        "_must_leave",
        "_next_look",
        "_open_tails",
        "_pace",
        "_reader",
        "_session_id",
        "_until",
        "_watch",
    )

    def __init__(
        self,
        events: EventLog,
        ledger: TurnLedger,
        session_id: UUID,
        cursor: Position | None,
        *,
        open_tails: OpenTails,
        credential: Credential | None = None,
        follow: bool = False,
        show_progress: bool = True,
        pace: TailPace = TailPace(),
    ) -> None:
        self._events = events
        self._ledger = ledger
        self._session_id = session_id
        self._cursor = cursor
        self._follow = follow
        self._open_tails = open_tails
        self._credential = credential
        self._pace = pace
        self._reader = TailReader(
            events, ledger, session_id, cursor, follow=follow, show_progress=show_progress
        )
        self._watch: Watch | None = None
        self._is_gone = False
        self._must_leave = False
        self._looks = 0
        self._until = 0.0
        self._next_look = 0.0

    async def is_over(self, newest: TurnState | None = None) -> bool:
        """Whether nothing can come: the cursor is at the newest turn's end, and no turn is open.

        Who has just read the newest turn may pass it; PostgreSQL is asked otherwise.
        """
        if self._cursor is None or self._follow:
            return False
        newest = newest or await self._ledger.newest()
        return newest is not None and await is_past(self._cursor, newest, self._ledger)

    @property
    def ending(self) -> str:
        """How it ended, once it has, in a word for the metrics."""
        if self._reader.is_over:
            return "done"
        return "gone" if self._is_gone else "left"

    def leave(self) -> None:
        """Let the client come back later: the tail ends with `retry:`, soon."""
        self._must_leave = True
        self._call()

    def stop(self) -> None:
        """The client has gone: nothing more is given."""
        self._is_gone = True
        self._call()

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """What to send, as it comes. The last piece ends the response."""
        self._until = _now() + self._life_seconds()
        self._plan_look(random.uniform(0.5, 1.0))  # noqa: S311  (spreads the looks of many tails)
        with self._open_tails.holding(self, self._credential):
            async with self._events.watch(self._session_id) as watch:
                self._watch = watch
                # What was missed before now is read anyway.
                watch.take_missed()
                try:
                    async with aclosing(self._tell(watch)) as pieces:
                        async for piece in pieces:
                            yield piece
                finally:
                    self._watch = None

    async def _tell(self, watch: Watch) -> AsyncGenerator[bytes, None]:
        reader = self._reader
        while not self._is_gone:
            await self.advance(watch)
            for piece in joined(reader.take_frames()):
                yield piece
            if reader.is_over:
                yield DONE
                return
            if self._must_leave or _now() >= self._until:
                yield self._farewell()
                return
            if _now() >= self._next_look:
                yield KEEP_ALIVE
                self._look()
            await self._pause(watch)

    async def advance(self, watch: Watch) -> None:
        """Do what can be done at once."""
        reader = self._reader
        if watch.take_missed():
            reader.look_again()
        if watch.take_nudged():
            reader.look_at_ledger()
        heard = watch.take()
        if reader.hears:
            reader.hear(heard)
        if not reader.hears and not reader.is_over:
            # What was heard meanwhile is in the stream, which is read next.
            await reader.step()

    async def _pause(self, watch: Watch) -> None:
        if self._reader.hears:
            await watch.wait(max(0.0, min(self._next_look, self._until) - _now()))
        elif self._reader.must_pause:
            await watch.wait(self._pace.poll_seconds)
        else:
            # Between two pages, others have their turn.
            await asyncio.sleep(0)

    def _look(self) -> None:
        """Compare with what is kept: pub/sub may have lost a last message, and a writer may have died."""
        self._plan_look(1.0)
        self._looks += 1
        if self._reader.is_between_turns and self._looks % QUIET_LOOKS:
            self._reader.look_again()
        else:
            self._reader.look_at_ledger()

    def _plan_look(self, share: float) -> None:
        self._next_look = _now() + self._pace.keep_alive_seconds * share

    def _farewell(self) -> bytes:
        return b"retry: %d\n\n" % random.randint(self._pace.retry_ms_min, self._pace.retry_ms_max)  # noqa: S311

    def _life_seconds(self) -> float:
        """A tail does not outlive the token that opened it, but for what clocks may differ by."""
        expires_at = self._credential.expires_at if self._credential is not None else None
        if expires_at is None:
            return self._pace.life_seconds
        return min(self._pace.life_seconds, max(0.0, expires_at + EXPIRY_LEEWAY_SECONDS - time.time()))

    def _call(self) -> None:
        if self._watch is not None:
            self._watch.call()


def joined(frames: Iterable[bytes]) -> Iterator[bytes]:
    """The same in fewer pieces, none of more than the bound unless one frame alone is."""
    piece: list[bytes] = []
    size = 0
    for frame in frames:
        if piece and size + len(frame) > SEND_BYTES_MAX:
            yield b"".join(piece)
            piece, size = [], 0
        piece.append(frame)
        size += len(frame)
    if piece:
        yield b"".join(piece)


def _now() -> float:
    return asyncio.get_running_loop().time()
