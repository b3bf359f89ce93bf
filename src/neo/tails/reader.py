"""Where one reader is, what it may be given next, and what to do when that is not there.

The stream gives what comes next, as long as it comes without a gap. Whatever is odd (a gap, a turn that begins before
the last one ended, a segment that comes after an event which the reader has not got, a stream that is behind its
reader) is looked at again: first in the stream, which makes good for a message that pub/sub lost, then in PostgreSQL,
which knows how the turn stands, and in the stream once more.

| state | what happens                                                             | next state            |
|-------|--------------------------------------------------------------------------|-----------------------|
| ASK   | PostgreSQL has no turn beyond what the reader has                        | LIVE                  |
| ASK   | PostgreSQL answers otherwise, or is away                                 | READ                  |
| READ  | a page that more follows                                                 | READ                  |
| READ  | the last page, and nothing is odd; the turn is open                      | LIVE                  |
| READ  | something is odd, and PostgreSQL was not asked before this reading       | ASK                   |
| READ  | PostgreSQL was asked, and has more than the stream gave, or it is lost   | replay, then READ     |
| LIVE  | the event that comes next is published                                   | LIVE                  |
| LIVE  | another event is published, or something was missed (`read_again`)       | READ                  |
| any   | a terminal was given                                                     | OVER; ASK if followed |
| any   | an event that says that the turn waits was given, without `follow`       | ASK                   |
| ASK   | the turn waits, and the event that says so was the last that was given   | OVER                  |
| any   | a wake-up, or a look at a keep-alive (`ask_again`)                       | ASK                   |
| any   | PostgreSQL or Valkey is away, and what the other one has was given       | ASK, after a pause    |
"""

from collections.abc import Sequence
from enum import Enum, auto
from uuid import UUID

from neo.errors import Failure, Kind
from neo.events import Claims, Entry, EventKind, EventLog, Position
from neo.streams import StreamsUnavailable
from neo.tails.place import Fit, Given, Loss, Shown
from neo.tails.turn_status import FactFinder, Facts, Opening, TurnState, TurnStatusReader

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


class TailReader:
    __slots__ = (
        "_claims",
        "_cursor",
        "_events",
        "_facts",
        "_finder",
        "_follow",
        "_given",
        "_is_waiting",
        "_place",
        "_questions",
        "_session_id",
        "_state",
        "_turns",
        "_was_told_to_wait",
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
        shown: Shown,
        opening: Opening | None,
    ) -> None:
        self._events = events
        self._turns = turns
        self._session_id = session_id
        self._follow = follow
        self._cursor = cursor
        self._given = Given(cursor, shown)
        self._place = self._given.place
        self._finder = FactFinder(turns, self._given, opening)
        # What PostgreSQL knows of the claims in the turn that is read.
        self._claims: Claims = {}
        self._state = State.ASK
        self._facts: Facts | None = None
        self._questions = 0
        # The reader has all of a turn that waits.
        self._is_waiting = False
        # The event that was given last says that the turn waits.
        self._was_told_to_wait = False
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
        return self._place.at

    @property
    def has_terminal(self) -> bool:
        return self._place.has_terminal

    @property
    def is_idle(self) -> bool:
        """Nothing is being written for it: it is between two turns, or its turn waits."""
        return self._place.at is None or self._place.has_terminal or self._is_waiting

    def take_frames(self) -> list[bytes]:
        return self._given.take_frames()

    def read_again(self) -> None:
        self._finder.forget_opening()
        if self._state is State.LIVE:
            self._state = State.READ

    def ask_again(self) -> None:
        self._finder.forget_opening()
        self._facts = None
        if self._state is not State.OVER:
            self._state = State.ASK

    def receive(self, entries: Sequence[Entry]) -> None:
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
            if self._may_end(self._facts):
                self._state = State.OVER
            elif self._has_all(self._facts):
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
            facts = await self._finder.ask()
        except Failure as failure:
            if failure.kind is not Kind.UNAVAILABLE:
                raise
            # Without PostgreSQL, what comes without a gap is still right.
            self.must_pause = True
            return
        here, self._facts = facts.here, facts
        self._claims = here.claims if here is not None else {}
        self._is_waiting = here is not None and here.is_waiting and here.has_no_more_for(self._place)

    def _may_end(self, facts: Facts | None) -> bool:
        """Whether the response ends here, for its turn waits: in that very segment, and nothing came after it."""
        here, at = facts.here if facts is not None else None, self._place.at
        return self._was_told_to_wait and here is not None and at is not None and here.waits_at(at)

    def _has_all(self, facts: Facts | None) -> bool:
        """Whether PostgreSQL has nothing beyond what the reader was given, and nobody writes more."""
        if facts is None:
            return False
        if facts.newest is None:
            return self._place.at is None
        if self._is_waiting:
            return True
        at = self._place.at
        return self._place.has_terminal and at is not None and facts.newest.turn_no <= at.turn

    async def _read(self) -> None:
        page = await self._events.read_on(self._session_id, self._place.read_to, claims_known=self._claims)
        for entry in page.entries:
            if not self._take(entry):
                await self._end_of_stream(Loss.TRIMMED, entry.position)
                return
            if self._state is not State.READ:
                return
        if page.is_last:
            loss = None if page.reaches_cursor else await self._loss_behind_cursor()
            await self._end_of_stream(loss, None)

    async def _loss_behind_cursor(self) -> Loss | None:
        """What it means that nothing is kept at the reader's position, nor beyond."""
        place, at = self._place, self._place.at
        if at is None or at.n == 0 or at.is_replayed or place.has_terminal or place.read_to != at:
            return None
        here = self._facts.of(at.turn) if self._facts is not None else None
        if here is not None and at == here.settled_end:
            # What is settled need not be in the stream.
            return None
        is_first_look = at == self._cursor and here is not None
        if is_first_look and await self._events.newest_in_turn(self._session_id, at.turn) is not None:
            return Loss.FUTURE
        return Loss.LOST

    def _take(self, entry: Entry) -> bool:
        """Give an event to the reader if it comes next; False when it shows that something is missing."""
        fit = self._place.fit(entry, self._claims)
        if fit is Fit.NEXT:
            self._give(entry)
        elif fit is Fit.PASSED:
            self._place.pass_by(entry.position)
        return fit is not Fit.ODD

    def _give(self, entry: Entry) -> None:
        self._given.give(entry)
        self._questions = 0
        self._is_waiting = False
        self._was_told_to_wait = entry.kind is EventKind.WAITING and not self._follow
        if entry.kind is EventKind.TERMINAL:
            # The next turn may have ended without an event in the stream.
            self.ask_again()
            self._state = State.ASK if self._follow else State.OVER
        elif self._was_told_to_wait:
            self.ask_again()

    async def _end_of_stream(self, loss: Loss | None, odd: Position | None) -> None:
        """All that the stream can give was given: decide what is to be done about the rest."""
        place, at = self._place, self._place.at
        facts, self._facts = self._facts, None
        if facts is None:
            self._go_live_or_ask(loss)
            return
        if at is None:
            self._find_beginning(facts, odd)
            return
        state = facts.of(at.turn)
        if place.has_terminal and facts.newest is not None and facts.newest.turn_no <= at.turn:
            self._go_live_or_ask(loss)
        elif place.has_terminal or state is None:
            self._state = State.ASK
        elif state.is_open and odd is not None and odd.turn > at.turn:
            # It has ended since PostgreSQL was asked.
            self._state = State.ASK
        elif state.is_open and loss is None and state.has_no_more_for(place):
            self._go_live_or_ask(None)
        else:
            await self._replay(state, loss, odd)

    def _go_live_or_ask(self, loss: Loss | None) -> None:
        if loss is None:
            self._state, self._questions = State.LIVE, 0
        else:
            self._state = State.ASK

    def _find_beginning(self, facts: Facts, odd: Position | None) -> None:
        """Nothing could be given from the beginning: the stream is empty, or begins in mid-turn."""
        newest = facts.newest.turn_no if facts.newest is not None else None
        turn_no = odd.turn if odd is not None else newest
        if turn_no is None:
            self._go_live_or_ask(None)
            return
        self._place.begin_with_nothing(turn_no)
        self._state = State.ASK

    async def _replay(self, state: TurnState, loss: Loss | None, odd: Position | None) -> None:
        """Give from PostgreSQL what the reader lacks of the turn, and go on in the stream."""
        place, at = self._place, self._place.at
        if at is None:
            return
        replay = await self._turns.replay(state.turn_no)
        lacking = replay.lacking(at)
        if lacking is None or (at.n == 0 and not state.is_open and state.settled is not None):
            self._given.begin_again(state.turn_no, loss or Loss.LOST, reset=state.turn_no)
        self._state = State.READ
        place.replay_to(replay.end)
        for entry in replay.entries if lacking is None else lacking:
            self._give(entry)
        if lacking == [] and odd is not None and not odd.is_first:
            place.pass_over()
        if state.is_waiting and self._state is State.READ:
            # It is known only now that the reader has everything.
            self._state = State.ASK

    async def _do_without_stream(self) -> None:
        """Valkey is away: PostgreSQL has what is settled, and the rest comes when Valkey is back."""
        if self._facts is None:
            await self._ask()
        facts, self._facts = self._facts, None
        place = self._place
        if place.at is None and facts is not None and facts.newest is not None and not facts.newest.is_open:
            place.begin_with_nothing(facts.newest.turn_no)
            facts = Facts(facts.newest, facts.newest)
        here = None if facts is None or place.at is None else facts.of(place.at.turn)
        if here is not None and not place.has_terminal and not (here.is_open and here.has_no_more_for(place)):
            await self._replay(here, Loss.LOST, None)
        self.ask_again()
        self.must_pause = not self.is_over
