"""The stream under everything at once, as a randomised model.

The real writer, the real reader, a real Valkey; what PostgreSQL has is kept in Python. Whatever the store loses and
whoever dies: each reader ends with exactly what was settled, in order and once, or was told to forget it and then got
the whole again; the ids that it gets have no gap but where a reset says so; it gets one terminal for each turn; and it
gets to the end. `STREAM_MODEL_HISTORIES` runs more of them, `STREAM_MODEL_SEED` begins with a certain one.
"""

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from events.follower import Follower, settled_before
from events.ledger import Turn
from events.speaker import Speaker
from events.stage import Session, ValkeyServer, forget, lose_tail, trim
from neo.events import Chunk, EventLog, Fenced, Position, Subscriptions, envelope, since_cursor
from neo.events.entry import stream_key
from neo.events.log import Appended, Page
from neo.streams import StreamsUnavailable, Valkey

HISTORIES = int(os.environ.get("STREAM_MODEL_HISTORIES", "60"))
SEED = int(os.environ.get("STREAM_MODEL_SEED", random.randrange(10**9)))
STEPS = 30
HISTORIES_AT_ONCE = 8
# Far longer than any takes, on a busy machine too.
HISTORY_SECONDS = 30
FLUSH_SECONDS = 5.0
PAGE_EVENTS = 3
# What a reader may need, at most, to get over one turn: looks, pages of three, resets.
ROUNDS_MAX = 120


class UnluckyLog(EventLog):
    """Appends for real; loses a reply, or is away, when told to. It is read in small pages."""

    loses_reply = False
    is_away = False

    async def append(
        self, session_id: UUID, batch: Sequence[tuple[Position, Chunk]], **options: Position | None
    ) -> Appended:
        if self.is_away:
            raise StreamsUnavailable("Away.")
        answer = await super().append(session_id, batch, **options)
        if self.loses_reply:
            self.loses_reply = False
            raise StreamsUnavailable("The reply was lost.")
        return answer

    async def read_on(self, *args: Any, **options: Any) -> Page:
        return await super().read_on(*args, **{**options, "count": PAGE_EVENTS})


class MutedSubscriptions(Subscriptions):
    """Loses what is published in some sessions."""

    def __init__(self, valkey: Valkey) -> None:
        super().__init__(valkey)
        self.muted: set[bytes] = set()

    def _receive(self, name: bytes, message: bytes) -> None:
        if name not in self.muted:
            super()._receive(name, message)


class History:
    """One session, from its first turn to its last."""

    def __init__(self, seed: int, valkey: Valkey, subscriptions: MutedSubscriptions) -> None:
        self.chance = random.Random(seed)
        self.valkey = valkey
        self.subscriptions = subscriptions
        self.events = UnluckyLog(valkey, kept_bytes=2**30, trims_exactly=True, subscriptions=subscriptions)
        self.session = Session(self.events, asyncio.Event())
        self.turn: Turn | None = None
        self.speaker: Speaker | None = None
        self.zombies: list[Speaker] = []
        self.readers = [
            Follower(self.session, None),
            Follower(self.session, since_cursor(1)),
            Follower(self.session, since_cursor(1), follow=True),
        ]
        self.words = 0
        # The store has lost something of the segment that is written, which its writer does not know yet.
        self.is_lossy = False
        # The beginning of the segment that is written is no longer kept.
        self.is_trimmed = False
        # Nothing was ever lost, and no zombie's word was taken: then nobody is told to forget anything.
        self.is_spotless = True
        self.done: list[str] = []

    async def run(self) -> None:
        actions: dict[Callable[[], Awaitable[None]], int] = {
            self.say: 4,
            self.say_apart: 4,
            self.say_unheard: 2,
            self.settle: 5,
            self.wait: 3,
            self.wait_twice: 2,
            self.decide: 2,
            self.crash: 2,
            self.claim_nothing: 1,
            self.end: 2,
            self.fail: 1,
            self.cancel: 1,
            self.cancel_before_it_ran: 1,
            self.zombie_speaks: 2,
            self.zombies_first_event_arrives: 2,
            self.zombie_comes_into_an_emptied_store: 1,
            self.lose: 3,
            self.lose_tail_and_say_on: 1,
            self.trim_under_a_reader: 1,
            self.read: 10,
            self.read_unsettled: 4,
            self.read_a_little_and_go: 4,
            self.cut: 2,
            self.cut_and_ask_again: 2,
            self.join: 2,
            self.go_back: 2,
            self.come_now: 2,
            self.come_while_it_waits: 2,
            self.come_from_a_settled_end: 2,
        }
        for action in self.chance.choices(list(actions), list(actions.values()), k=STEPS):
            self.done.append(action.__name__)
            await action()
        self.done.append("finish")
        await self.finish()

    # What is written.

    async def say(self) -> None:
        await self.saying(self.chance.randint(1, 4), apart=False, loses_reply=self.chance.random() < 0.3)

    async def say_apart(self) -> None:
        await self.saying(self.chance.randint(1, 5), apart=True)

    async def saying(self, words: int, *, apart: bool, loses_reply: bool = False) -> None:
        speaker = await self.speaking()
        if speaker is None:
            return
        claim = speaker.writer.position.claim
        self.events.loses_reply = loses_reply
        for _ in range(words):
            self.words += 1
            if speaker.turn.is_calls:
                speaker.answer(f"call_{self.words}", "done")
            else:
                speaker.say(f"{self.words} ")
            if apart:
                await speaker.writer.flush(FLUSH_SECONDS)
        await speaker.writer.flush(FLUSH_SECONDS)
        self.events.loses_reply = self.is_lossy = False
        if speaker.writer.position.claim != claim:
            self.is_trimmed = False

    async def say_unheard(self) -> None:
        """Pub/sub loses what is said here."""
        await self.subscriptions.drain()
        self.subscriptions.muted.add(stream_key(self.session.id))
        if self.chance.random() < 0.5:
            await self.saying(self.chance.randint(1, 3), apart=True)
        else:
            await self.settle()
        await self.subscriptions.drain()
        self.subscriptions.muted.discard(stream_key(self.session.id))

    async def speaking(self) -> Speaker | None:
        """Who writes the turn, which is begun or taken over if need be; none while it waits."""
        if self.speaker is None:
            if self.turn is None:
                self.turn = self.session.ledger.queue()
                self.turn.claims_max = self.chance.choice([1, 3, 62])
            if self.turn.is_waiting or self.turn.claim >= 60:
                return None
            await self.take_over(self.turn)
        return self.speaker

    async def take_over(self, turn: Turn) -> None:
        self.speaker = await self.session.speaker(turn)
        if not turn.is_calls or self.chance.random() < 0.5:
            await self.speaker.writer.flush(FLUSH_SECONDS)
        self.is_lossy = self.is_trimmed = False

    async def settle(self) -> None:
        """The model's segment is followed by one that answers its calls, and that one by the model's."""
        speaker = await self.speaking()
        if speaker is None:
            return
        goes_away = self.chance.random() < 0.2
        self.events.is_away = goes_away
        self.is_spotless &= not goes_away
        dies = self.chance.random() < 0.2
        await speaker.settle(
            is_calls=not speaker.turn.is_calls,
            dies=dies,
            is_silent=self.is_silent(speaker),
            flush_seconds=0.005 if goes_away else FLUSH_SECONDS,
        )
        self.events.is_away = False
        await self.settled(speaker, dies=dies)

    async def wait(self) -> None:
        """Calls are waited for: the event that says so may be lost."""
        speaker = await self.speaking()
        if speaker is None or not speaker.turn.is_calls:
            return
        loses = self.chance.choice(["", "", "reply", "all"])
        if loses == "all":
            await self.forget()
        await speaker.writer.flush(FLUSH_SECONDS)
        self.events.loses_reply = loses == "reply"
        dies = self.chance.random() < 0.3
        await speaker.settle(waits=True, dies=dies, is_silent=self.is_silent(speaker))
        self.events.loses_reply = False
        await self.settled(speaker, dies=True)

    def is_silent(self, speaker: Speaker) -> bool:
        return speaker.turn.is_calls and not speaker.turn.outcomes and self.chance.random() < 0.7

    async def settled(self, speaker: Speaker, *, dies: bool) -> None:
        self.is_lossy = self.is_trimmed = False
        if dies:
            self.zombies.append(speaker)
            self.speaker = None
        elif not speaker.turn.is_calls or self.chance.random() < 0.5:
            await speaker.writer.flush(FLUSH_SECONDS)

    async def decide(self) -> None:
        """What a turn waits for has come: somebody goes on with it."""
        if self.turn is not None and self.turn.is_waiting:
            if self.chance.random() < 0.3:
                # It has come, and nobody has claimed the turn yet.
                self.turn.is_waiting = False
            else:
                await self.take_over(self.turn)

    async def wait_twice(self) -> None:
        """A reader may be where it waited first, while it waits again."""
        await self.wait()
        if self.turn is not None and self.turn.is_waiting:
            await self.take_over(self.turn)
            await self.wait()
            await self.come_while_it_waits()

    async def zombie_comes_into_an_emptied_store(self) -> None:
        """What it has written first arrives now: it was on its way all the time."""
        speaker = await self.speaking()
        if speaker is not None and speaker.turn.claim < 60:
            await self.crash()
            await self.subscriptions.drain()
            for reader in self.readers:
                await reader.step()
            await self.forget()
            await self.first_event_arrives(speaker)
            await self.subscriptions.drain()
            for reader in self.readers:
                await reader.step()

    async def crash(self) -> None:
        if self.speaker is not None and self.speaker.turn.claim < 60:
            self.zombies.append(self.speaker)
            await self.take_over(self.speaker.turn)

    async def claim_nothing(self) -> None:
        """Somebody takes over, and dies before it has written anything."""
        if self.speaker is not None and self.speaker.turn.claim < 60:
            self.zombies.append(self.speaker)
            self.session.ledger.take(self.speaker.turn)
            self.speaker = None

    async def end(self) -> None:
        speaker = await self.speaking()
        if speaker is None or speaker.turn.is_calls:
            return
        goes_away, dies = self.chance.random() < 0.3, self.chance.random() < 0.3
        loses = self.chance.choice(["", "reply", "all", "tail"])
        await speaker.writer.flush(FLUSH_SECONDS)
        if goes_away:
            self.events.is_away, self.is_spotless = True, False
            self.words += 1
            speaker.say(f"{self.words} ")
        await speaker.close(flush_seconds=0.005 if goes_away else FLUSH_SECONDS)
        self.events.is_away = False
        if loses == "all":
            await self.forget()
        elif loses == "tail":
            await self.lose_tail(2)
        self.events.loses_reply = loses == "reply"
        if dies:
            await speaker.writer.aclose()
        else:
            await speaker.end()
        self.events.loses_reply = False
        self.over(speaker)

    async def fail(self) -> None:
        speaker = await self.speaking()
        if speaker is not None:
            await speaker.fail()
            self.over(speaker)

    def over(self, speaker: Speaker | None) -> None:
        if speaker is not None:
            self.zombies.append(speaker)
        self.turn = self.speaker = None

    async def cancel(self) -> None:
        """From outside: nobody writes the terminal."""
        if self.turn is not None and (self.turn.is_waiting or self.chance.random() < 0.3):
            self.session.ledger.cancel(self.turn)
            self.over(self.speaker)
            await self.wake_perhaps()

    async def cancel_before_it_ran(self) -> None:
        """A message that waits behind another, or not, is withdrawn."""
        self.session.ledger.cancel(self.session.ledger.queue())
        if self.turn is None:
            await self.wake_perhaps()

    async def wake_perhaps(self) -> None:
        if self.chance.random() < 0.5:
            await self.session.events.wake_readers(self.session.id)

    async def zombie_speaks(self) -> None:
        if self.zombies:
            zombie = self.chance.choice(self.zombies)
            with suppress(Fenced, RuntimeError):
                if zombie.is_calls:
                    # What it would say of calls is stored, and true.
                    zombie.writer.write(envelope.message_metadata({"is": "zombie"}))
                else:
                    zombie.writer.write(envelope.text_start("zombie"))
                    zombie.writer.write(envelope.text_delta("zombie", "ZOMBIE "))
                await zombie.writer.flush(FLUSH_SECONDS)
                self.is_spotless = False

    async def zombies_first_event_arrives(self) -> None:
        if self.zombies:
            await self.first_event_arrives(self.chance.choice(self.zombies))

    async def first_event_arrives(self, zombie: Speaker) -> None:
        first = zombie.writer.position._replace(n=1)
        if first.claim > 0:
            answer = await self.events.append(
                self.session.id,
                [(first, envelope.message_metadata({"is": "zombie"}))],
                predecessor=None,
                after=zombie.writer._buffer.after,
            )
            self.is_spotless &= answer is not Appended.APPENDED

    async def lose(self) -> None:
        events, kind = self.chance.randint(1, 8), self.chance.choice(["all", "tail", "tail", "trim", "trim"])
        if kind == "trim":
            await self.trim(events)
        elif kind == "all":
            await self.forget()
        else:
            await self.lose_tail(events)

    async def forget(self) -> None:
        self.is_lossy, self.is_spotless = True, False
        await forget(self.valkey, self.session)

    async def lose_tail(self, events: int) -> None:
        self.is_lossy, self.is_spotless = True, False
        await lose_tail(self.valkey, self.session, events)

    async def trim(self, events: int) -> None:
        self.is_trimmed, self.is_spotless = True, False
        await trim(self.valkey, self.session, events)

    async def lose_tail_and_say_on(self) -> None:
        """The writer finds out by itself, and says it again."""
        await self.saying(self.chance.randint(1, 3), apart=True)
        await self.lose_tail(self.chance.randint(1, 4))
        await self.saying(self.chance.randint(1, 3), apart=True)
        await self.come_now()

    # Who reads.

    def reader(self) -> Follower:
        return self.chance.choice(self.readers)

    async def read(self) -> None:
        await self.subscriptions.drain()
        await self.reader().step(looks=self.chance.random() < 0.3)

    async def read_unsettled(self) -> None:
        """What was published may still be on its way."""
        await self.reader().step(looks=self.chance.random() < 0.3)

    async def read_a_little_and_go(self) -> None:
        await self.reader().step(frames_taken=self.chance.randint(0, 4))

    async def cut(self) -> None:
        await self.reader().cut()

    async def cut_and_ask_again(self) -> None:
        """Much may happen between what a request looks at and the beginning of its tail."""
        reader = self.reader()
        await reader.cut()
        await reader.ask()

    async def go_back(self) -> None:
        await self.reader().go_back(self.chance)

    async def join(self) -> None:
        if self.session.ledger.turns:
            index = self.chance.randrange(3)
            await self.readers[index].cut()
            turn_no = self.chance.randint(1, len(self.session.ledger.turns))
            follow = self.chance.random() < 0.3
            self.readers[index] = Follower(self.session, since_cursor(turn_no), follow=follow)

    async def trim_under_a_reader(self) -> None:
        speaker = await self.speaking()
        if speaker is None:
            return
        reader = Follower(self.session, since_cursor(speaker.turn.turn_no))
        index = self.chance.randrange(3)
        await self.readers[index].cut()
        self.readers[index] = reader
        await reader.step(frames_taken=2)
        await self.saying(self.chance.randint(2, 5), apart=True)
        await self.trim(self.chance.randint(1, 3))
        await reader.step()

    @property
    def is_whole(self) -> bool:
        """The segment that is written is in the stream, from its head to its end."""
        speaker = self.speaker
        return (
            speaker is not None
            and not self.is_lossy
            and not self.is_trimmed
            and not speaker.writer._buffer.is_muted
            and speaker.writer._buffer.is_streamed
            and (speaker.writer.position.n > 0 or not speaker.items)
        )

    async def come_now(self) -> None:
        """Whoever comes now gets all that was said."""
        if self.is_whole and self.speaker is not None:
            await self.gets_all(Follower(self.session, since_cursor(self.speaker.turn.turn_no)))

    async def come_from_a_settled_end(self) -> None:
        """Whoever has everything up to a settled end gets the rest without a reset, though the store is emptied."""
        is_emptied = self.speaker is not None and self.chance.random() < 0.5
        if is_emptied:
            await self.forget()
            await self.saying(1, apart=True)
        if self.is_whole and self.speaker is not None and (turn := self.speaker.turn).rows:
            row = self.chance.choice(turn.rows)
            reader = Follower(self.session, str(Position(turn.turn_no, row.segment, row.claim, row.last_n)))
            reader.fold.message_id = f"m{turn.turn_no}"
            for item in settled_before(turn, row.segment + 1):
                reader.fold._add(item[1] if item[0] == "call" else "", item)
            await self.gets_all(reader, is_good=is_emptied)

    async def gets_all(self, reader: Follower, *, is_good: bool = False) -> None:
        assert self.speaker is not None
        whole = self.speaker.turn.items + self.speaker.items
        for _ in range(ROUNDS_MAX):
            if reader.fold.items == whole:
                break
            await reader.step()
        assert reader.fold.items == whole, (reader.cursor, reader.fold.items, whole)
        assert reader.client.resets == [] or not (self.is_spotless or is_good)
        await reader.cut()

    async def come_while_it_waits(self) -> None:
        """A turn that waits is told to its end, wherever it comes from; from there, the tail stays open."""
        turn = self.turn
        if turn is None or not turn.is_waiting:
            return
        reader = Follower(self.session, since_cursor(turn.turn_no))
        for _ in range(ROUNDS_MAX):
            await reader.step()
            if reader.waited_at is not None:
                break
        assert reader.waited_at is not None
        resets = reader.client.resets
        assert not self.is_spotless or resets == []
        if self.chance.random() < 0.5:
            await self.forget()
        for cursor in (reader.cursor, str(turn.after)):
            reader.cursor = cursor
            for _ in range(4):
                await reader.step()
                assert reader.tail is not None, "over, or 204, while the turn waits"
            tail = reader.tail
            assert tail is not None
            assert tail._reader.is_idle
            await reader.cut()
        assert reader.client.resets == resets

    async def finish(self) -> None:
        """Every reader gets to the end of the last turn, whatever happened."""
        self.subscriptions.muted.discard(stream_key(self.session.id))
        if self.turn is not None:
            self.turn.is_waiting = False
        speaker = await self.speaking()
        assert speaker is not None
        if speaker.turn.is_calls:
            await speaker.settle()
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

    async def close(self) -> None:
        for reader in self.readers:
            await reader.cut()
        for speaker in (*self.zombies, *([] if self.speaker is None else [self.speaker])):
            await speaker.writer.aclose()
        with suppress(StreamsUnavailable):
            await forget(self.valkey, self.session)


async def live_through(seeds: Iterator[int], valkey_url: str) -> None:
    """Several histories at once, each in a session of its own."""
    valkey = Valkey(valkey_url)

    async def live() -> None:
        for seed in seeds:
            history = History(seed, valkey, subscriptions)
            try:
                async with asyncio.timeout(HISTORY_SECONDS):
                    await history.run()
            except Exception as error:
                error.add_note(f"STREAM_MODEL_SEED={seed}: {', '.join(history.done)}")
                raise
            finally:
                await history.close()

    try:
        async with MutedSubscriptions(valkey) as subscriptions:
            while not subscriptions.are_up:
                await asyncio.sleep(0.01)
            async with asyncio.TaskGroup() as group:
                for _ in range(HISTORIES_AT_ONCE):
                    group.create_task(live())
    finally:
        await valkey.aclose()


async def test_the_stream_tells_the_truth(valkey_server: ValkeyServer) -> None:
    await live_through(iter(range(SEED, SEED + HISTORIES)), valkey_server.url)
