"""One reader's tail of a session: live from the stream, correct by PostgreSQL."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from neo.access import Credential
from neo.events import EventLog, Position, Subscription
from neo.tails.open_tails import TICK_SECONDS, KeepAliveClock, OpenTails
from neo.tails.place import SHOWN_WHOLE, Shown
from neo.tails.reader import TailReader
from neo.tails.turn_status import Opening, TurnState, TurnStatusReader, is_at_end

DONE = b"data: [DONE]\n\n"
KEEP_ALIVE = b": keep-alive\n\n"
# All frames at hand go out in one send; a bigger one would only wait in the server's own buffer.
SEND_BYTES_MAX = 64 * 1024
EXPIRY_LEEWAY_SECONDS = 60.0
# Between turns only the end of a turn that never ran can be missed, and while a turn waits little more: PostgreSQL is
# asked at each so many keep-alives.
IDLE_LOOKS = 4
# A client that reconnects from the same cursor to a turn that waits is at its end at once, each time. It is to wait.
ENDED_AT_ONCE_SECONDS = 1.0


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
    # For who has reached at once the end of what a waiting turn has said.
    waiting_retry_ms_min: int = 5_000
    waiting_retry_ms_max: int = 10_000

    @property
    def tick_seconds(self) -> float:
        """Keep-alives are late by a tenth at most."""
        return min(TICK_SECONDS, self.keep_alive_seconds / 10)


class Tail:
    """Ask `is_over` before the response begins (204), send what `pieces` gives, then `close` it."""

    __slots__ = (
        "_began",
        "_clock",
        "_credential",
        "_cursor",
        "_follow",
        "_is_gone",
        "_is_sent_away",
        "_keep_alive_is_due",
        "_looks",
        "_open_tails",
        "_pace",
        "_reader",
        "_session_id",
        "_subscription",
        "_turns",
        "_until",
        "due",
        "is_ended",
    )

    def __init__(
        self,
        events: EventLog,
        turns: TurnStatusReader,
        session_id: UUID,
        cursor: Position | None,
        *,
        subscription: Subscription,
        open_tails: OpenTails,
        clock: KeepAliveClock,
        opening: Opening | None = None,
        credential: Credential | None = None,
        follow: bool = False,
        shown: Shown = SHOWN_WHOLE,
        pace: TailPace = TailPace(),
    ) -> None:
        self._turns = turns
        self._session_id = session_id
        self._cursor = cursor
        self._subscription = subscription
        self._follow = follow
        self._open_tails = open_tails
        self._clock = clock
        self._credential = credential
        self._pace = pace
        self._reader = TailReader(
            events, turns, session_id, cursor, follow=follow, shown=shown, opening=opening
        )
        self._is_gone = False
        self._is_sent_away = False
        self._keep_alive_is_due = False
        self._looks = 0
        self._began = self._until = 0.0
        self.due = 0.0
        # The piece that was given last is the last one.
        self.is_ended = False

    async def is_over(self, newest: TurnState | None = None) -> bool:
        """Whether nothing can come: the cursor is at the newest turn's end, and no turn is open.

        Who has just read the newest turn may pass it; PostgreSQL is asked otherwise.
        """
        if self._cursor is None or self._follow:
            return False
        newest = newest or await self._turns.newest()
        if newest is None or not await is_at_end(self._cursor, newest, self._turns):
            return False
        return not await self._turns.has_open()

    @property
    def ending(self) -> str:
        """How it ended, once it has, in a word for the metrics."""
        if self._reader.is_over:
            return "done"
        return "gone" if self._is_gone else "left"

    def send_away(self) -> None:
        """End the tail soon, with `retry:`: the client comes back later."""
        self._is_sent_away = True
        self._subscription.wake()

    def stop(self) -> None:
        """The client has gone: nothing more is given."""
        self._is_gone = True
        self._subscription.wake()

    def close(self) -> None:
        self._subscription.close()

    @property
    def idle_at(self) -> tuple[UUID, Position | None] | None:
        """Where it waits and nothing is written for it, at the keep-alives that need not ask PostgreSQL."""
        is_idle = self._reader.is_live and self._reader.is_idle
        return (self._session_id, self._reader.at) if is_idle and (self._looks + 1) % IDLE_LOOKS else None

    def keep_alive(self, *, is_up_to_date: bool) -> None:
        """Time for a keep-alive, and for a look unless it is known that there is nothing to see."""
        self._keep_alive_is_due = True
        self._is_sent_away = self._is_sent_away or _now() >= self._until
        self._plan_keep_alive(1.0)
        if is_up_to_date:
            self._looks += 1
        else:
            self._look()
        self._subscription.wake()

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """What to send, as it comes. The last piece ends the response."""
        self._begin()
        try:
            while not self._is_gone and not self.is_ended:
                await self.advance()
                for piece in self._at_hand():
                    yield piece
                if not self.is_ended:
                    await self._pause()
        finally:
            self._clock.remove(self)
            self._open_tails.remove(self, self._credential)
            self.close()

    async def advance(self) -> None:
        """Do what can be done at once."""
        reader, subscription = self._reader, self._subscription
        if subscription.take_missed():
            reader.read_again()
        if subscription.take_woken_to_look():
            reader.ask_again()
        published = subscription.take()
        if reader.is_live:
            reader.receive(published)
        if not reader.is_live and not reader.is_over:
            # What was published meanwhile is in the stream, which is read next.
            await reader.step()

    def _begin(self) -> None:
        self._began = _now()
        self._until = self._began + self._life_seconds()
        self._plan_keep_alive(random.uniform(0.5, 1.0))  # noqa: S311  (spreads the keep-alives of many tails)
        self._open_tails.add(self, self._credential)
        self._clock.add(self)

    def _at_hand(self) -> Iterator[bytes]:
        frames = self._reader.take_frames()
        is_last = self._reader.is_over or self._is_sent_away
        if is_last:
            frames.append(self._done() if self._reader.is_over else self._retry())
        elif self._keep_alive_is_due:
            frames.append(KEEP_ALIVE)
            self._keep_alive_is_due = False
        pieces = joined(frames)
        piece = next(pieces, None)
        while piece is not None:
            following = next(pieces, None)
            self.is_ended = is_last and following is None
            yield piece
            piece = following

    def _pause(self) -> Awaitable[None]:
        if self._reader.is_live:
            return self._subscription.wait()
        if self._reader.must_pause:
            return self._subscription.wait(self._pace.poll_seconds)
        # Between two pages, others have their turn.
        return asyncio.sleep(0)

    def _look(self) -> None:
        """Compare with what is kept: pub/sub may have lost a last message, and a writer may have died."""
        self._looks += 1
        if self._reader.is_idle and self._looks % IDLE_LOOKS:
            self._reader.read_again()
        else:
            self._reader.ask_again()

    def _plan_keep_alive(self, share: float) -> None:
        self.due = min(_now() + self._pace.keep_alive_seconds * share, self._until)

    def _done(self) -> bytes:
        if self._reader.has_terminal or _now() - self._began > ENDED_AT_ONCE_SECONDS:
            return DONE
        return _retry_between(self._pace.waiting_retry_ms_min, self._pace.waiting_retry_ms_max) + DONE

    def _retry(self) -> bytes:
        return _retry_between(self._pace.retry_ms_min, self._pace.retry_ms_max)

    def _life_seconds(self) -> float:
        """A tail does not outlive the token that opened it, but for what clocks may differ by."""
        expires_at = self._credential.expires_at if self._credential is not None else None
        if expires_at is None:
            return self._pace.life_seconds
        return min(self._pace.life_seconds, max(0.0, expires_at + EXPIRY_LEEWAY_SECONDS - time.time()))


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


def _retry_between(ms_min: int, ms_max: int) -> bytes:
    return b"retry: %d\n\n" % random.randint(ms_min, ms_max)  # noqa: S311


def _now() -> float:
    return asyncio.get_running_loop().time()
