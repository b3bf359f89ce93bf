"""The stream under everything at once, as a randomised model.

The real writer, the real reader, a real Valkey; the ledger is in Python. Whatever the store loses and whoever
dies: each reader's text of a turn at its terminal, since the last start or reset, is the truth; the ids it gets
have no gap but where a reset says so; it gets one terminal for each turn; and it gets to the end.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from events.stage import Client, Session, Speaker, Turn, ValkeyServer, forget, lose_tail, trim
from neo.events import (
    Chunk,
    EventLog,
    Fenced,
    Position,
    Subscription,
    Subscriptions,
    envelope,
    parse_cursor,
    since_cursor,
)
from neo.events.store import EVENTS_KEPT, KEPT_SECONDS, Appended, EventStore, Page
from neo.streams import StreamsUnavailable, Valkey
from neo.tails.tail import Tail
from neo.tails.turn_status import Opening

T = TypeVar("T")
READERS = st.integers(0, 2)
FLUSH_SECONDS = 5.0
PAGE_EVENTS = 3
EXAMPLES = 120
STEPS = 40
# What a reader may need, at most, to get over one turn: looks, pages of three, resets.
ROUNDS_MAX = 60


class UnluckyStore(EventStore):
    """Appends for real; loses a reply, or is away, when told to."""

    loses_reply = False
    is_away = False

    async def append(
        self, session_id: UUID, batch: Sequence[tuple[Position, Chunk]], *, predecessor: Position | None
    ) -> Appended:
        if self.is_away:
            raise StreamsUnavailable("Away.")
        answer = await super().append(session_id, batch, predecessor=predecessor)
        if self.loses_reply:
            self.loses_reply = False
            raise StreamsUnavailable("The reply was lost.")
        return answer


class SmallPages(EventLog):
    async def read_on(self, *args: Any, **options: Any) -> Page:
        return await super().read_on(*args, **{**options, "count": PAGE_EVENTS})


class MutedSubscriptions(Subscriptions):
    is_muted = False

    def _receive(self, name: bytes, message: bytes) -> None:
        if not self.is_muted:
            super()._receive(name, message)


class Follower:
    """A client that keeps what it got, cuts the connection when it likes, and resumes where it was."""

    def __init__(self, session: Session, cursor: str | None) -> None:
        self.session = session
        self.cursor = cursor
        self.client = Client()
        self.checked = 0
        self.text = ""
        self.awaits_first = False
        self.ended: set[int] = set()
        self.tail: Tail | None = None
        self.subscription: Subscription | None = None
        self.opening: Opening | None = None

    async def ask(self) -> None:
        """Subscribe and look at the session, as a request does before its tail begins."""
        self.subscription = await self.session.events.subscribe(self.session.id)
        assert self.subscription.was_confirmed
        self.opening = Opening(await self.session.ledger.newest())

    async def resume(self) -> bool:
        """Ask again from the last id; false when there is nothing to come (204)."""
        if self.opening is None:
            await self.ask()
        opening, self.opening = self.opening, None
        assert opening is not None
        self.tail = await self.session.tail(self.cursor, subscription=self.subscription, opening=opening)
        if await self.tail.is_over(opening.newest):
            await self.cut()
            return False
        return True

    async def cut(self) -> None:
        if self.subscription is not None:
            self.subscription.close()
        self.tail = self.subscription = self.opening = None

    async def step(self, *, frames_taken: int | None = None, looks: bool = False) -> None:
        """One round of the tail; a client that takes fewer frames than there are has cut the connection there."""
        if self.tail is None and not await self.resume():
            return
        assert self.tail is not None
        if looks:
            self.tail._look()
        await self.tail.advance()
        reader = self.tail._reader
        frames = reader.take_frames()
        for frame in frames[:frames_taken]:
            self.client.take(frame)
        self.check()
        if reader.is_over or (frames_taken is not None and frames_taken < len(frames)):
            await self.cut()

    def check(self) -> None:
        for event in self.client.received[self.checked :]:
            self.checked += 1
            if event.id is None:
                assert event.type == "data-stream-reset"
                self.text, self.awaits_first = "", True
                continue
            position = parse_cursor(event.id)
            assert position is not None
            self.check_order(position)
            self.cursor, self.awaits_first = event.id, False
            if event.type == "start":
                self.text = ""
            elif event.type == "text-delta":
                self.text += event.chunk["delta"]
            elif event.type == "finish":
                self.check_end(position)

    def check_order(self, position: Position) -> None:
        before = None if self.cursor is None else parse_cursor(self.cursor)
        if self.awaits_first or before is None:
            assert position.n == 1, (before, position)
        elif position != before.following:
            assert position.n == 1, (before, position)
            is_next_turn = position.turn == before.turn + 1 and before.turn in self.ended
            assert position.turn == before.turn or is_next_turn, (before, position)
        if before is not None and not self.awaits_first:
            assert position > before, (before, position)

    def check_end(self, position: Position) -> None:
        turn = self.session.ledger.turns[position.turn]
        assert not turn.is_open
        assert self.text == turn.text, (position, self.text, turn.text)
        assert position.turn not in self.ended
        self.ended.add(position.turn)


class Streams(RuleBasedStateMachine):
    runner: ClassVar[asyncio.Runner]
    valkey: ClassVar[Valkey]
    subscriptions: ClassVar[MutedSubscriptions]

    @initialize()
    def begin(self) -> None:
        events = SmallPages(self.valkey, subscriptions=self.subscriptions)
        self.store = UnluckyStore(
            self.valkey,
            events_kept=EVENTS_KEPT,
            kept_seconds=KEPT_SECONDS,
            kept_bytes=2**30,
            trims_exactly=True,
        )
        events._store = self.store
        self.subscriptions.is_muted = False
        self.session = Session(events, asyncio.Event())
        self.speaker: Speaker | None = None
        self.zombies: list[Speaker] = []
        self.readers = [Follower(self.session, since_cursor(1)) for _ in range(2)]
        self.readers.append(Follower(self.session, None))
        self.words = 0
        # The store has lost something of the open turn, which its writer does not know yet.
        self.is_lossy = False
        # The beginning of the open turn is no longer kept.
        self.is_trimmed = False

    def run_now(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coroutine)

    @rule(words=st.integers(1, 4), loses_reply=st.booleans())
    def say(self, words: int, *, loses_reply: bool) -> None:
        self.run_now(self.saying(words, apart=False, loses_reply=loses_reply))

    @rule(words=st.integers(1, 5))
    def say_apart(self, words: int) -> None:
        self.run_now(self.saying(words, apart=True, loses_reply=False))

    async def saying(self, words: int, *, apart: bool, loses_reply: bool) -> None:
        speaker = await self.speaking()
        claim = speaker.writer.position.claim
        self.store.loses_reply = loses_reply
        for _ in range(words):
            self.words += 1
            speaker.say(f"{self.words} ")
            if apart:
                assert await speaker.writer.flush(FLUSH_SECONDS)
        assert await speaker.writer.flush(FLUSH_SECONDS)
        self.store.loses_reply = self.is_lossy = False
        if speaker.writer.position.claim != claim:
            self.is_trimmed = False

    @rule(words=st.integers(1, 3))
    def say_unheard(self, words: int) -> None:
        """Pub/sub loses what is said here."""

        async def say() -> None:
            await self.subscriptions.drain()
            self.subscriptions.is_muted = True
            await self.saying(words, apart=True, loses_reply=False)
            await self.subscriptions.drain()
            self.subscriptions.is_muted = False

        self.run_now(say())

    @rule(index=READERS, words=st.integers(2, 5), events=st.integers(1, 3))
    def trim_under_a_reader(self, index: int, words: int, events: int) -> None:
        async def trim_under() -> None:
            reader = self.readers[index] = Follower(
                self.session, since_cursor((await self.speaking()).turn.turn_no)
            )
            await reader.step(frames_taken=2)
            await self.saying(words, apart=True, loses_reply=False)
            await trim(self.valkey, self.session, events)
            self.is_trimmed = True
            await reader.step()

        self.run_now(trim_under())

    async def speaking(self) -> Speaker:
        if self.speaker is None:
            self.is_lossy = self.is_trimmed = False
            self.speaker = await self.session.speaker()
            await self.speaker.writer.flush(FLUSH_SECONDS)
        return self.speaker

    @rule(dies=st.booleans(), loses=st.sampled_from(["", "reply", "all", "tail"]), goes_away=st.booleans())
    def end(self, *, dies: bool, loses: str, goes_away: bool) -> None:
        async def end() -> None:
            speaker = await self.speaking()
            await speaker.writer.flush(FLUSH_SECONDS)
            if goes_away:
                self.store.is_away = True
                self.words += 1
                speaker.say(f"{self.words} ")
            await speaker.close(flush_seconds=0.005 if goes_away else FLUSH_SECONDS)
            self.store.is_away = False
            if loses == "all":
                await forget(self.valkey, self.session)
            elif loses == "tail":
                await lose_tail(self.valkey, self.session, 2)
            self.store.loses_reply = loses == "reply"
            if dies:
                await speaker.writer.aclose()
            else:
                await speaker.end()
            self.store.loses_reply = False
            self.zombies.append(speaker)
            self.speaker = None

        self.run_now(end())

    @precondition(lambda self: self.speaker is not None)
    @rule()
    def crash(self) -> None:
        async def crash() -> None:
            assert self.speaker is not None
            self.zombies.append(self.speaker)
            self.speaker = await self.session.speaker(self.speaker.turn)
            await self.speaker.writer.flush(FLUSH_SECONDS)
            self.is_lossy = self.is_trimmed = False

        self.run_now(crash())

    @precondition(lambda self: self.zombies)
    @rule()
    def zombie_speaks(self) -> None:
        async def speak() -> None:
            zombie = self.zombies[-1]
            with suppress(Fenced, RuntimeError):
                zombie.say("ZOMBIE ")
                await zombie.writer.flush(FLUSH_SECONDS)

        self.run_now(speak())

    @precondition(lambda self: self.zombies)
    @rule()
    def zombies_first_word_arrives(self) -> None:
        async def arrive() -> None:
            turn, claim, _ = self.zombies[-1].writer.position
            first = [(Position(turn, claim, 1), envelope.start("zombie"))]
            await self.store.append(self.session.id, first, predecessor=None)

        self.run_now(arrive())

    @precondition(lambda self: self.speaker is None)
    @rule(nudged=st.booleans())
    def cancel_before_it_ran(self, *, nudged: bool) -> None:
        turn: Turn = self.session.ledger.queue()
        self.session.ledger.cancel(turn)
        turn.terminal = envelope.finish("other")
        if nudged:
            self.run_now(self.session.events.wake_readers(self.session.id))

    @rule(events=st.integers(1, 6), kind=st.sampled_from(["all", "tail", "tail", "trim"]))
    def lose(self, events: int, kind: str) -> None:
        if kind == "trim":
            self.is_trimmed = True
            self.run_now(trim(self.valkey, self.session, events))
        else:
            self.is_lossy = True
            losing = forget(self.valkey, self.session) if kind == "all" else None
            self.run_now(losing or lose_tail(self.valkey, self.session, events))

    @rule(index=READERS, looks=st.booleans())
    def read(self, index: int, *, looks: bool) -> None:
        async def read() -> None:
            await self.subscriptions.drain()
            await self.readers[index].step(looks=looks)

        self.run_now(read())

    @rule(index=READERS, looks=st.booleans())
    def read_unsettled(self, index: int, *, looks: bool) -> None:
        self.run_now(self.readers[index].step(looks=looks))

    @rule(index=READERS, frames=st.integers(0, 4))
    def read_a_little_and_go(self, index: int, frames: int) -> None:
        self.run_now(self.readers[index].step(frames_taken=frames))

    @precondition(lambda self: self.speaker is not None and not self.is_lossy and not self.is_trimmed)
    @rule()
    def whoever_comes_now_gets_all_that_was_said(self) -> None:
        self.run_now(self.coming())

    @rule(words=st.integers(1, 3), events=st.integers(1, 4))
    def lose_tail_and_say_on(self, words: int, events: int) -> None:
        """The writer finds out by itself, and says it again."""

        async def lose_and_say() -> None:
            await self.saying(words, apart=True, loses_reply=False)
            await lose_tail(self.valkey, self.session, events)
            await self.saying(words, apart=True, loses_reply=False)
            if not self.is_trimmed:
                await self.coming()

        self.run_now(lose_and_say())

    async def coming(self) -> None:
        assert self.speaker is not None
        reader = Follower(self.session, since_cursor(self.speaker.turn.turn_no))
        for _ in range(ROUNDS_MAX):
            await reader.step()
            if reader.text == self.speaker.text:
                break
        assert reader.text == self.speaker.text
        assert reader.client.resets == []
        await reader.cut()

    @rule(index=READERS)
    def cut(self, index: int) -> None:
        self.run_now(self.readers[index].cut())

    @rule(index=READERS)
    def cut_and_ask_again(self, index: int) -> None:
        """Much may happen between what a request looks at and the beginning of its tail."""

        async def cut_and_ask() -> None:
            await self.readers[index].cut()
            await self.readers[index].ask()

        self.run_now(cut_and_ask())

    @precondition(lambda self: self.session.ledger.turns)
    @rule(index=READERS, turn=st.integers(0, 5))
    def join(self, index: int, turn: int) -> None:
        async def join() -> None:
            await self.readers[index].cut()
            turn_no = 1 + turn % len(self.session.ledger.turns)
            self.readers[index] = Follower(self.session, since_cursor(turn_no))

        self.run_now(join())

    def teardown(self) -> None:
        if hasattr(self, "session"):
            self.run_now(self.finish())

    async def finish(self) -> None:
        """Every reader gets to the end of the last turn, whatever happened."""
        self.subscriptions.is_muted = False
        speaker = await self.speaking()
        await speaker.finish()
        await self.subscriptions.drain()
        newest = len(self.session.ledger.turns)
        for reader in self.readers:
            for _ in range(ROUNDS_MAX * newest):
                if newest in reader.ended:
                    break
                await reader.step(looks=reader.tail is not None and reader.tail._reader.is_live)
            assert newest in reader.ended, (reader.cursor, self.session.ledger.turns)
            await reader.cut()
        for zombie in self.zombies:
            await zombie.writer.aclose()


def test_the_stream_tells_the_truth(valkey_server: ValkeyServer) -> None:
    async def open_subscriptions(valkey: Valkey) -> MutedSubscriptions:
        subscriptions = MutedSubscriptions(valkey)
        await subscriptions.__aenter__()
        while not subscriptions.are_up:
            await asyncio.sleep(0.01)
        return subscriptions

    with asyncio.Runner() as runner:
        Streams.runner = runner
        Streams.valkey = Valkey(valkey_server.url)
        Streams.subscriptions = runner.run(open_subscriptions(Streams.valkey))
        try:
            run_state_machine_as_test(
                Streams,
                settings=settings(
                    max_examples=EXAMPLES,
                    stateful_step_count=STEPS,
                    deadline=None,
                    # Shrinking one of these takes minutes; the failing example is printed as it is.
                    phases=(Phase.generate,),
                    database=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(Streams.subscriptions.__aexit__(None, None, None))
            runner.run(Streams.valkey.aclose())
