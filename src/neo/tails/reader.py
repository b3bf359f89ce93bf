"""Where one reader is, what it may be given next, and what to do when that is not there.

The stream gives what comes next, as long as it comes without a gap. Whatever is odd (a gap, a turn that begins before
the last one ended, a stream that is behind its reader) is looked at again: first in the stream, which makes good for a
message that pub/sub lost, then in PostgreSQL, which knows how the turn stands, and in the stream once more.

| state | what happens                                                             | next state            |
|-------|--------------------------------------------------------------------------|-----------------------|
| ASK   | PostgreSQL has no turn beyond what the reader has                        | LIVE                  |
| ASK   | PostgreSQL answers otherwise, or is away                                 | READ                  |
| READ  | a page that more follows                                                 | READ                  |
| READ  | the last page, and nothing is odd; the turn is open                      | LIVE                  |
| READ  | something is odd, and PostgreSQL was not asked before this reading       | ASK                   |
| READ  | PostgreSQL was asked: the turn has ended, and the stream has no end      | replay; as a terminal |
| READ  | PostgreSQL was asked: something of the open turn is lost                 | READ, from its claim  |
| LIVE  | the event that comes next is published                                   | LIVE                  |
| LIVE  | another event is published, or something was missed (`read_again`)       | READ                  |
| any   | a terminal was given                                                     | OVER; ASK if followed |
| any   | a wake-up, or a look at a keep-alive (`ask_again`)                       | ASK                   |
| any   | PostgreSQL or Valkey is away, and what the other one has was given       | ASK, after a pause    |
"""

from dataclasses import dataclass
from enum import Enum, auto
from uuid import UUID

from neo.errors import Failure, Kind
from neo.events import Entry, EventKind, EventLog, Position, envelope, replayed
from neo.streams import StreamsUnavailable
from neo.tails.turn_status import Opening, TurnState, TurnStatusReader, is_at_end
from neo.telemetry import request_metrics

# Questions in a row that bring nothing new: beyond this the reader pauses, so that no oddity is a busy loop.
QUESTIONS_MAX = 4


class State(Enum):
    """What the reader does next."""

    # Ask PostgreSQL how the turns stand.
    ASK = auto()
    # Read a page of the stream.
    READ = auto()
    # All that is kept was read: what is published goes on from there.
    LIVE = auto()
    # The response has its turn.
    OVER = auto()


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
        "_claim_known",
        "_cursor",
        "_events",
        "_facts",
        "_follow",
        "_frames",
        "_has_nothing",
        "_has_terminal",
        "_is_skipping",
        "_opening",
        "_questions",
        "_session_id",
        "_shows_progress",
        "_state",
        "_turns",
        "must_pause",
    )

    def __init__(
        self,
        events: EventLog,
        turns: TurnStatusReader,
        session_id: UUID,
        cursor: Position | None,
        *,
        follow: bool,
        show_progress: bool,
        opening: Opening | None,
    ) -> None:
        self._events = events
        self._turns = turns
        self._session_id = session_id
        self._follow = follow
        self._shows_progress = show_progress
        self._cursor = cursor
        self._at = cursor
        # The terminal of the turn at `_at` was given.
        self._has_terminal = False
        # The open turn's beginning is no longer kept: its events are passed over until it has ended and is replayed.
        self._is_skipping = False
        # The reader has nothing of this turn, or was just told to forget it: it needs no (second) reset.
        self._has_nothing = cursor is None
        # A turn, and the claim that PostgreSQL knows for it.
        self._claim_known: Position | None = None
        self._state = State.ASK
        self._opening = opening
        self._facts: Facts | None = None
        self._questions = 0
        self._frames: list[bytes] = []
        # Nothing can be done at once: wait a little, then go on with `step`.
        self.must_pause = False

    @property
    def is_live(self) -> bool:
        return self._state is State.LIVE

    @property
    def is_over(self) -> bool:
        return self._state is State.OVER

    @property
    def at(self) -> Position | None:
        return self._at

    @property
    def is_between_turns(self) -> bool:
        return self._at is None or self._has_terminal

    def take_frames(self) -> list[bytes]:
        frames, self._frames = self._frames, []
        return frames

    def read_again(self) -> None:
        self._opening = None
        if self._state is State.LIVE:
            self._state = State.READ

    def ask_again(self) -> None:
        self._opening = self._facts = None
        if self._state is not State.OVER:
            self._state = State.ASK

    def receive(self, entries: list[Entry]) -> None:
        """Take what was published, as long as nothing else is to be done."""
        for entry in entries:
            if self._state is not State.LIVE:
                return
            if not self._take(entry):
                self._state = State.READ

    async def step(self) -> None:
        """Ask PostgreSQL if need be, and read one page."""
        self.must_pause = False
        try:
            await self._ask_and_read()
        except Failure as failure:
            if failure.kind is not Kind.UNAVAILABLE:
                raise
            self.ask_again()
            self.must_pause = True

    async def _ask_and_read(self) -> None:
        try:
            if self._state is State.ASK:
                await self._ask()
            if self._has_all(self._facts):
                # Most tails that ask wait between two turns: the stream need not be read for them.
                await self._end_of_stream(None, None)
            else:
                await self._read()
        except StreamsUnavailable:
            await self._do_without_stream()

    async def _ask(self) -> None:
        self._questions += 1
        self.must_pause = self._questions > QUESTIONS_MAX
        self._state = State.READ
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
        self._claim_known = Position(here.turn_no, here.claim, 0) if here is not None else None

    async def _newest(self) -> TurnState | None:
        opening, self._opening = self._opening, None
        return opening.newest if opening is not None else await self._turns.newest()

    def _has_all(self, facts: Facts | None) -> bool:
        """Whether PostgreSQL has no turn beyond what the reader was given."""
        if facts is None:
            return False
        if facts.newest is None:
            return self._at is None
        return self._has_terminal and self._at is not None and facts.newest.turn_no <= self._at.turn

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
        here = await self._turn_state(self._at.turn, newest)
        if here is None:
            self._reset(newest.turn_no, Loss.LOST)
            self._begin(newest.turn_no)
            return newest
        if here.is_open and self._at.claim > here.claim:
            self._reset(here.turn_no, Loss.FUTURE)
            self._begin(here.turn_no)
        self._has_terminal = self._has_terminal or await is_at_end(self._at, here, self._turns)
        if self._has_terminal and newest.turn_no > here.turn_no:
            self._begin(here.turn_no + 1)
            return await self._turn_state(here.turn_no + 1, newest)
        return here

    async def _turn_state(self, turn_no: int, newest: TurnState) -> TurnState | None:
        return newest if turn_no == newest.turn_no else await self._turns.turn(turn_no)

    async def _read(self) -> None:
        page = await self._events.read_on(self._session_id, self._at, claims_from=self._claim_known)
        for entry in page.entries:
            if not self._take(entry):
                await self._end_of_stream(Loss.TRIMMED, entry.position)
                return
            if self._state is not State.READ:
                return
        if not page.is_last:
            return
        is_behind = (
            not page.reaches_cursor and not self.is_between_turns and self._at is not None and self._at.n > 0
        )
        await self._end_of_stream(Loss.LOST if is_behind else None, None)

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
        known, at = self._claim_known, self._at
        if self._has_terminal and at is not None and position.turn == at.turn:
            return True
        return known is not None and position.turn == known.turn and position.claim < known.claim

    def _comes_next(self, position: Position, at: Position) -> bool:
        if position.comes_right_after(at):
            return not self._has_terminal
        if not position.is_first:
            return False
        return position.turn == at.turn or (self._has_terminal and position.turn == at.turn + 1)

    def _give(self, entry: Entry) -> None:
        self._at = entry.position
        self._is_skipping = self._has_nothing = False
        self._has_terminal = entry.kind is EventKind.TERMINAL
        self._questions = 0
        if self._shows_progress or entry.kind is not EventKind.PROGRESS:
            self._frames.append(entry.frame)
        if self._has_terminal:
            # The next turn may have ended without an event in the stream.
            self.ask_again()
            self._state = State.ASK if self._follow else State.OVER

    async def _end_of_stream(self, loss: Loss | None, odd: Position | None) -> None:
        """All that the stream can give was given: decide what is to be done about the rest."""
        facts, self._facts = self._facts, None
        if facts is None:
            self._go_live_or_ask(loss)
            return
        if self._at is None:
            self._find_beginning(facts, odd)
            return
        state = facts.of(self._at.turn)
        if self._has_terminal and facts.newest is not None and facts.newest.turn_no <= self._at.turn:
            self._go_live_or_ask(loss)
        elif self._has_terminal or state is None:
            self._state = State.ASK
        elif not state.is_open:
            await self._replay_ended(state, loss)
        elif loss is None:
            self._go_live_or_ask(loss)
        else:
            await self._restart_open(state, loss, odd)

    def _go_live_or_ask(self, loss: Loss | None) -> None:
        if loss is None:
            self._state, self._questions = State.LIVE, 0
        else:
            self._state = State.ASK

    def _find_beginning(self, facts: Facts, odd: Position | None) -> None:
        """Nothing could be given from the beginning: the stream is empty, or begins in mid-turn."""
        if odd is not None:
            self._begin(odd.turn)
        elif facts.newest is not None:
            self._begin(facts.newest.turn_no)
        else:
            self._go_live_or_ask(None)
            return
        self._has_nothing = True
        self._state = State.ASK

    async def _restart_open(self, state: TurnState, loss: Loss, odd: Position | None) -> None:
        """Give the open turn from where its newest claim begins, as far as that is kept."""
        at = self._at
        if at is None or (odd is not None and odd.turn > at.turn):
            # It has ended since PostgreSQL was asked.
            self._state = State.ASK
            return
        newest = await self._events.newest_in_turn(self._session_id, at.turn)
        if at.n > 0 and not self._is_skipping:
            is_future = odd is None and newest is not None and at == self._cursor
            self._reset(at.turn, Loss.FUTURE if is_future else loss)
        begin = Position(
            at.turn, newest.claim if newest is not None and newest.claim >= state.claim else 0, 0
        )
        self._is_skipping = begin == at
        self._at = begin
        self._state = State.READ

    async def _replay_ended(self, state: TurnState, loss: Loss | None) -> None:
        """Give from PostgreSQL what the reader lacks of a turn that has ended."""
        at = self._at
        if at is None:
            return
        chunks = await self._turns.replay(state.turn_no)
        lacks_terminal_only = (
            at.claim == state.claim and at.n + 1 == state.terminal_n and not self._is_skipping
        )
        if lacks_terminal_only:
            terminal = chunks[-1]
            position = at.following
            self._give(Entry(position, terminal.kind, envelope.frame(position, terminal.encode())))
            return
        entries = replayed(state.turn_no, state.claim, chunks)
        if at.claim == state.claim + 1 and not self._is_skipping:
            entries = entries[at.n :]
        elif state.claim > 0:
            self._reset(state.turn_no, loss or Loss.LOST)
        for entry in entries:
            self._give(entry)

    async def _do_without_stream(self) -> None:
        """Valkey is away: PostgreSQL has the turns that have ended, and the rest comes when Valkey is back."""
        if self._facts is None:
            await self._ask()
        facts, self._facts = self._facts, None
        if self._at is None and facts is not None and facts.newest is not None and not facts.newest.is_open:
            self._begin(facts.newest.turn_no)
            self._has_nothing = True
            facts = Facts(facts.newest, facts.newest)
        here = None if facts is None or self._at is None else facts.of(self._at.turn)
        if here is not None and not here.is_open and not self._has_terminal:
            await self._replay_ended(here, Loss.LOST)
        self.ask_again()
        self.must_pause = not self.is_over

    def _begin(self, turn_no: int) -> None:
        self._at = Position(turn_no, 0, 0)
        self._has_terminal = self._is_skipping = False

    def _reset(self, turn_no: int, loss: Loss) -> None:
        """Tell the reader to forget what it has of a turn; its cursor stays where it is until it has more."""
        if not self._has_nothing:
            request_metrics.stream_reset(loss.value)
            self._frames.append(envelope.frame_without_id(envelope.stream_reset(turn_no, loss.value)))
        self._has_nothing = True
