"""Where one reader is, what it may be given next, and what to do when that is not there.

The stream gives what comes next, as long as it comes without a gap. Whatever is odd (a gap, a turn that
begins before the last one ended, a store behind its reader) is looked at again: first in the stream, which
heals a lost message in silence, then in PostgreSQL, which knows how the turn stands, and in the stream again.
"""

from dataclasses import dataclass
from enum import Enum, auto
from uuid import UUID

from neo.errors import Failure, Kind
from neo.events import Entry, EventKind, EventLog, Position, envelope, retell
from neo.streams import StreamsUnavailable
from neo.tails.turn_status import FirstLook, TurnLedger, TurnState, is_past
from neo.telemetry import tail_metrics

# Questions in a row that bring nothing new: beyond this the reader pauses, so that no oddity is a busy loop.
QUESTIONS_MAX = 4


class Next(Enum):
    """What the reader does next."""

    ASK = auto()
    READ = auto()
    HEAR = auto()


class Loss(Enum):
    """Why what follows the reader's position cannot be given from the stream."""

    TRIMMED = "trimmed"
    LOST = "lost"
    FUTURE = "future"


@dataclass(frozen=True, slots=True)
class Facts:
    """How things stood in PostgreSQL just before the stream was read."""

    newest: TurnState | None
    here: TurnState | None

    def of(self, turn_no: int) -> TurnState | None:
        return self.here if self.here is not None and self.here.turn_no == turn_no else None


class TailReader:
    __slots__ = (
        "_at",
        "_cursor",
        "_events",
        "_facts",
        "_first_look",
        "_follow",
        "_frames",
        "_is_done",
        "_is_skipping",
        "_is_untold",
        "_ledger",
        "_next",
        "_pen_known",
        "_questions",
        "_session_id",
        "_shows_progress",
        "is_over",
        "must_pause",
    )

    def __init__(
        self,
        events: EventLog,
        ledger: TurnLedger,
        session_id: UUID,
        cursor: Position | None,
        *,
        follow: bool,
        show_progress: bool,
        first_look: FirstLook | None,
    ) -> None:
        self._events = events
        self._ledger = ledger
        self._session_id = session_id
        self._follow = follow
        self._shows_progress = show_progress
        self._cursor = cursor
        self._at = cursor
        # The terminal of the turn at `_at` was given.
        self._is_done = False
        # The open turn's beginning is no longer kept: its events pass by until it is closed and told whole.
        self._is_skipping = False
        # The reader has nothing of this turn, or was just told to forget it: it needs no (second) reset.
        self._is_untold = cursor is None
        self._pen_known: Position | None = None
        self._next = Next.ASK
        self._first_look = first_look
        self._facts: Facts | None = None
        self._questions = 0
        self._frames: list[bytes] = []
        self.is_over = False
        # Nothing can be done at once: wait a little, then go on with `step`.
        self.must_pause = False

    @property
    def hears(self) -> bool:
        """All that is kept was read: what is published goes on from here."""
        return self._next is Next.HEAR

    @property
    def at(self) -> Position | None:
        return self._at

    @property
    def is_between_turns(self) -> bool:
        return self._at is None or self._is_done

    def take_frames(self) -> list[bytes]:
        frames, self._frames = self._frames, []
        return frames

    def look_again(self) -> None:
        if self._next is Next.HEAR:
            self._next = Next.READ

    def look_at_ledger(self) -> None:
        self._next, self._facts = Next.ASK, None

    def hear(self, entries: list[Entry]) -> None:
        """Take what was published, while nothing else is to be done."""
        for entry in entries:
            if self.is_over or self._next is not Next.HEAR:
                return
            if not self._take(entry):
                self._next = Next.READ

    async def step(self) -> None:
        """Ask PostgreSQL if need be, and read one page."""
        self.must_pause = False
        try:
            await self._go_on()
        except Failure as failure:
            if failure.kind is not Kind.UNAVAILABLE:
                raise
            self.look_at_ledger()
            self.must_pause = True

    async def _go_on(self) -> None:
        try:
            if self._next is Next.ASK:
                await self._ask()
            if self._has_all(self._facts):
                # Most that are asked about wait between two turns: the stream need not be read for them.
                await self._settle(None, None)
            else:
                await self._read()
        except StreamsUnavailable:
            await self._do_without_stream()

    async def _ask(self) -> None:
        self._questions += 1
        self.must_pause = self._questions > QUESTIONS_MAX
        self._next = Next.READ
        try:
            newest = await self._newest()
            here = await self._here(newest)
        except Failure as failure:
            if failure.kind is not Kind.UNAVAILABLE:
                raise
            # Without PostgreSQL, what comes without a gap is still right.
            self.must_pause = True
            return
        self._facts = Facts(newest, here)
        self._pen_known = Position(here.turn_no, here.pen, 0) if here is not None else None

    async def _newest(self) -> TurnState | None:
        first, self._first_look = self._first_look, None
        if first is not None and first.since is not None and first.since.has_held:
            return first.newest
        return await self._ledger.newest()

    def _has_all(self, facts: Facts | None) -> bool:
        """Whether PostgreSQL has no turn beyond what the reader was given."""
        if facts is None:
            return False
        if facts.newest is None:
            return self._at is None
        return self._is_done and self._at is not None and facts.newest.turn_no <= self._at.turn

    async def _here(self, newest: TurnState | None) -> TurnState | None:
        """The state of the turn that is read, after correcting a position that cannot be."""
        if self._at is None:
            return None
        if newest is None:
            self._reset(self._at.turn, Loss.FUTURE)
            self._at = None
            return None
        if self._at.turn > newest.turn_no:
            self._reset(newest.turn_no, Loss.FUTURE)
            self._begin(newest.turn_no)
            return newest
        here = await self._state(self._at.turn, newest)
        if here is None:
            self._reset(newest.turn_no, Loss.LOST)
            self._begin(newest.turn_no)
            return newest
        if here.is_open and self._at.pen > here.pen:
            self._reset(here.turn_no, Loss.FUTURE)
            self._begin(here.turn_no)
        self._is_done = self._is_done or await is_past(self._at, here, self._ledger)
        if self._is_done and newest.turn_no > here.turn_no:
            self._begin(here.turn_no + 1)
            return await self._state(here.turn_no + 1, newest)
        return here

    async def _state(self, turn_no: int, newest: TurnState) -> TurnState | None:
        return newest if turn_no == newest.turn_no else await self._ledger.turn(turn_no)

    async def _read(self) -> None:
        page = await self._events.read_on(self._session_id, self._at, pens_from=self._pen_known)
        for entry in page.entries:
            if not self._take(entry):
                await self._settle(Loss.TRIMMED, entry.position)
                return
            if self.is_over or self._next is Next.ASK:
                return
        if not page.is_last:
            return
        behind = (
            not page.reaches_cursor and not self.is_between_turns and self._at is not None and self._at.n > 0
        )
        await self._settle(Loss.LOST if behind else None, None)

    def _take(self, entry: Entry) -> bool:
        """Give an event to the reader if it comes next; False when it shows that something is missing."""
        position, at = entry.position, self._at
        if at is None:
            if not position.is_first:
                return False
        elif position <= at or self._is_superseded(position):
            return True
        elif self._is_skipping and position.turn == at.turn and not position.is_first:
            if entry.kind is EventKind.TERMINAL:
                return False
            self._at = position
            return True
        elif not self._comes_next(position, at):
            return False
        self._give(entry)
        return True

    def _is_superseded(self, position: Position) -> bool:
        known, at = self._pen_known, self._at
        if self._is_done and at is not None and position.turn == at.turn:
            return True
        return known is not None and position.turn == known.turn and position.pen < known.pen

    def _comes_next(self, position: Position, at: Position) -> bool:
        if position.comes_right_after(at):
            return not self._is_done
        if not position.is_first:
            return False
        return position.turn == at.turn or (self._is_done and position.turn == at.turn + 1)

    def _give(self, entry: Entry) -> None:
        self._at = entry.position
        self._is_skipping = self._is_untold = False
        self._is_done = entry.kind is EventKind.TERMINAL
        self._questions = 0
        if self._shows_progress or entry.kind is not EventKind.PROGRESS:
            self._frames.append(entry.frame)
        if self._is_done:
            self.is_over = not self._follow
            # The next turn may have ended without a word in the stream.
            self.look_at_ledger()

    async def _settle(self, loss: Loss | None, odd: Position | None) -> None:
        """All that the stream can give was given: decide what is to be done about the rest."""
        facts, self._facts = self._facts, None
        if facts is None:
            self._hear_or_ask(loss)
            return
        if self._at is None:
            self._settle_beginning(facts, odd)
            return
        state = facts.of(self._at.turn)
        if self._is_done and facts.newest is not None and facts.newest.turn_no <= self._at.turn:
            self._hear_or_ask(loss)
        elif self._is_done or state is None:
            self._next = Next.ASK
        elif not state.is_open:
            await self._tell_closed(state, loss)
        elif loss is None:
            self._hear_or_ask(loss)
        else:
            await self._settle_open(state, loss, odd)

    def _hear_or_ask(self, loss: Loss | None) -> None:
        if loss is None:
            self._next, self._questions = Next.HEAR, 0
        else:
            self._next = Next.ASK

    def _settle_beginning(self, facts: Facts, odd: Position | None) -> None:
        """Nothing could be given from the beginning: the stream is empty, or begins in mid-turn."""
        if odd is not None:
            self._begin(odd.turn)
        elif facts.newest is not None:
            self._begin(facts.newest.turn_no)
        else:
            self._hear_or_ask(None)
            return
        self._is_untold = True
        self._next = Next.ASK

    async def _settle_open(self, state: TurnState, loss: Loss, odd: Position | None) -> None:
        """The open turn is told from where its newest pen begins, as far as that is kept."""
        at = self._at
        if at is None or (odd is not None and odd.turn > at.turn):
            # It was closed since PostgreSQL was asked.
            self._next = Next.ASK
            return
        newest = await self._events.newest_in_turn(self._session_id, at.turn)
        if at.n > 0 and not self._is_skipping:
            is_future = odd is None and newest is not None and at == self._cursor
            self._reset(at.turn, Loss.FUTURE if is_future else loss)
        begin = Position(at.turn, newest.pen if newest is not None and newest.pen >= state.pen else 0, 0)
        self._is_skipping = begin == at
        self._at = begin
        self._next = Next.READ

    async def _tell_closed(self, state: TurnState, loss: Loss | None) -> None:
        at = self._at
        if at is None:
            return
        chunks = await self._ledger.told(state.turn_no)
        has_all_but_end = at.pen == state.pen and at.n + 1 == state.terminal_n and not self._is_skipping
        if has_all_but_end:
            terminal = chunks[-1]
            position = at.following
            self._give(Entry(position, terminal.kind, envelope.frame(position, terminal.encode())))
            return
        told = retell(state.turn_no, state.pen, chunks)
        if at.pen == state.pen + 1 and not self._is_skipping:
            told = told[at.n :]
        elif state.pen > 0:
            self._reset(state.turn_no, loss or Loss.LOST)
        for entry in told:
            self._give(entry)

    async def _do_without_stream(self) -> None:
        """The store is away: PostgreSQL has what is closed, and the rest comes when the store is back."""
        if self._facts is None:
            await self._ask()
        facts, self._facts = self._facts, None
        if self._at is None and facts is not None and facts.newest is not None and not facts.newest.is_open:
            self._begin(facts.newest.turn_no)
            self._is_untold = True
            facts = Facts(facts.newest, facts.newest)
        here = None if facts is None or self._at is None else facts.of(self._at.turn)
        if here is not None and not here.is_open and not self._is_done:
            await self._tell_closed(here, Loss.LOST)
        self.look_at_ledger()
        self.must_pause = not self.is_over

    def _begin(self, turn_no: int) -> None:
        self._at = Position(turn_no, 0, 0)
        self._is_done = self._is_skipping = False

    def _reset(self, turn_no: int, loss: Loss) -> None:
        """Tell the reader to forget what it has of a turn; its cursor stays where it is until it has more."""
        if not self._is_untold:
            tail_metrics.reset(loss.value)
            self._frames.append(envelope.frame_without_id(envelope.stream_reset(turn_no, loss.value)))
        self._is_untold = True
