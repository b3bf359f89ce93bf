"""One reader's tail of a session: the stream's liveness on PostgreSQL's truth."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from neo.access import Credential
from neo.events import EventLog, Position, Watch
from neo.tails.keep_alive import ROUND_SECONDS, Rounds
from neo.tails.open_tails import OpenTails
from neo.tails.reader import TailReader
from neo.tails.turn_status import FirstLook, TurnLedger, TurnState, is_past

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

    @property
    def round_seconds(self) -> float:
        """Keep-alives are late by a tenth at most."""
        return min(ROUND_SECONDS, self.keep_alive_seconds / 10)


class Tail:
    """Ask `is_over` before the response begins (204), then send what `pieces` gives."""

    __slots__ = (
        "_credential",
        "_cursor",
        "_events",
        "_follow",
        "_is_gone",
        "_is_reminded",
        "_ledger",
        "_looks",
        "_must_leave",
        "_open_tails",
        "_pace",
        "_reader",
        "_rounds",
        "_session_id",
        "_until",
        "_watch",
        "due",
        "is_ended",
    )

    def __init__(
        self,
        events: EventLog,
        ledger: TurnLedger,
        session_id: UUID,
        cursor: Position | None,
        *,
        open_tails: OpenTails,
        rounds: Rounds,
        credential: Credential | None = None,
        follow: bool = False,
        show_progress: bool = True,
        pace: TailPace = TailPace(),
        first_look: FirstLook | None = None,
    ) -> None:
        self._events = events
        self._ledger = ledger
        self._session_id = session_id
        self._cursor = cursor
        self._follow = follow
        self._open_tails = open_tails
        self._rounds = rounds
        self._credential = credential
        self._pace = pace
        self._reader = TailReader(
            events,
            ledger,
            session_id,
            cursor,
            follow=follow,
            show_progress=show_progress,
            first_look=first_look,
        )
        self._watch: Watch | None = None
        self._is_gone = False
        self._must_leave = False
        self._is_reminded = False
        self._looks = 0
        self._until = 0.0
        self.due = 0.0
        # The piece that was given last is the last one.
        self.is_ended = False

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

    @property
    def place(self) -> tuple[UUID, Position | None] | None:
        """Where it waits, when it is enough to know whether the stream has more."""
        is_waiting = self._watch is not None and self._reader.hears and self._reader.is_between_turns
        return (self._session_id, self._reader.at) if is_waiting and (self._looks + 1) % QUIET_LOOKS else None

    def remind(self, *, is_up_to_date: bool) -> None:
        """Time for a keep-alive, and for a look unless somebody has looked."""
        self._is_reminded = True
        self._must_leave = self._must_leave or _now() >= self._until
        self._plan_look(1.0)
        if is_up_to_date:
            self._looks += 1
        else:
            self._look()
        self._call()

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """What to send, as it comes. The last piece ends the response."""
        self._begin()
        try:
            async with self._events.watch(self._session_id) as watch:
                self._watch = watch
                # What was missed before now is read anyway.
                watch.take_missed()
                while not self._is_gone and not self.is_ended:
                    await self.advance(watch)
                    for piece in self._at_hand():
                        yield piece
                    if not self.is_ended:
                        await self._pause(watch)
        finally:
            self._watch = None
            self._rounds.quit(self)
            self._open_tails.quit(self, self._credential)

    def _begin(self) -> None:
        self._until = _now() + self._life_seconds()
        self._plan_look(random.uniform(0.5, 1.0))  # noqa: S311  (spreads the looks of many tails)
        self._open_tails.enter(self, self._credential)
        self._rounds.join(self)

    def _at_hand(self) -> Iterator[bytes]:
        frames = self._reader.take_frames()
        is_last = self._reader.is_over or self._must_leave
        if is_last:
            frames.append(DONE if self._reader.is_over else self._farewell())
        elif self._is_reminded:
            frames.append(KEEP_ALIVE)
            self._is_reminded = False
        pieces = joined(frames)
        piece = next(pieces, None)
        while piece is not None:
            following = next(pieces, None)
            self.is_ended = is_last and following is None
            yield piece
            piece = following

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

    def _pause(self, watch: Watch) -> Awaitable[None]:
        if self._reader.hears:
            return watch.wait()
        if self._reader.must_pause:
            return watch.wait(self._pace.poll_seconds)
        # Between two pages, others have their turn.
        return asyncio.sleep(0)

    def _look(self) -> None:
        """Compare with what is kept: pub/sub may have lost a last message, and a writer may have died."""
        self._looks += 1
        if self._reader.is_between_turns and self._looks % QUIET_LOOKS:
            self._reader.look_again()
        else:
            self._reader.look_at_ledger()

    def _plan_look(self, share: float) -> None:
        self.due = min(_now() + self._pace.keep_alive_seconds * share, self._until)

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
