"""What a reader gets when the stream has lost something, or the cursor is from nowhere."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from events.client import Client
from events.speaker import Speaker
from events.stage import (
    QUICK,
    UNHURRIED,
    Session,
    ValkeyServer,
    forget,
    lose_tail,
    opened,
    running_valkey,
    trim,
)
from neo.events import Chunk, EventLog, Position, Subscriptions, envelope, since_cursor
from neo.streams import Valkey

WHOLE = ["start", "start-step", "text-start", "text-delta", "text-end", "finish-step", "finish"]
RETOLD = ["data-stream-reset", *WHOLE]


def cursor(turn: int, claim: int, n: int) -> str:
    return str(Position(turn, 1, claim, n))


async def open_turn(session: Session, *words: str) -> Speaker:
    speaker = await session.speaker()
    await speaker.say_apart(*words)
    return speaker


@pytest.fixture
async def own() -> AsyncIterator[tuple[ValkeyServer, Valkey, Session]]:
    """A Valkey that may be killed."""
    with running_valkey() as server:
        async with opened(server.url) as (valkey, events):
            yield server, valkey, Session(events, asyncio.Event())


async def test_a_closed_turn_that_is_not_kept_is_told_again(session: Session, valkey: Valkey) -> None:
    await session.whole_turn("one")
    await forget(valkey, session)

    client = await session.read(since_cursor(1))

    assert client.types == RETOLD
    assert client.received[0].id == since_cursor(1)
    assert client.received[0].chunk == {
        "type": "data-stream-reset",
        "data": {"turn_no": 1, "reason": "lost"},
    }
    assert client.ids == [cursor(1, 63, n) for n in range(1, 8)]
    assert client.text == "one"
    assert client.is_done


@pytest.mark.parametrize("n", range(1, 7))
async def test_a_replayeding_can_be_resumed_inside(session: Session, valkey: Valkey, n: int) -> None:
    await session.whole_turn("one")
    await forget(valkey, session)
    whole = await session.read(since_cursor(1))

    rest = await session.read(cursor(1, 63, n))

    assert rest.received == whole.received[1 + n :]


async def test_a_trimmed_turn_is_told_again_with_its_reason(session: Session, valkey: Valkey) -> None:
    await session.whole_turn("one")
    await session.whole_turn("two")
    await trim(valkey, session, 7)

    for begin in (since_cursor(1), cursor(1, 1, 3)):
        client = await session.read(begin)
        assert client.types == RETOLD
        assert client.resets == ["trimmed"]
        assert client.text == "one"
    assert (await session.read(client.ids[-1])).text == "two"


async def test_the_terminal_alone_is_given_to_who_has_all_but_it(session: Session, valkey: Valkey) -> None:
    speaker = await open_turn(session, "a")
    whole = cursor(1, 1, 6)
    await speaker.close()

    for _ in range(2):
        client = await session.read(whole)
        assert client.types == ["finish"]
        assert client.ids == [cursor(1, 1, 7)]
        await forget(valkey, session)
    await speaker.end()


async def test_a_writer_that_died_before_its_terminal_keeps_no_reader(session: Session) -> None:
    speaker = await open_turn(session, "a")
    async with session.reader(since_cursor(1), pace=QUICK) as client:
        await client.until_text("a")
        await speaker.close()
        await speaker.writer.aclose()
        await client.until_ended()

    assert client.types == WHOLE
    assert client.resets == []


async def test_a_turn_cancelled_while_queued_is_told_without_a_reset(session: Session) -> None:
    await session.whole_turn("one")
    turn = session.ledger.queue()
    async with session.reader(since_cursor(2)) as client:
        await asyncio.sleep(0.05)
        session.ledger.cancel(turn)
        await session.events.wake_readers(session.id)
        await client.until_ended()

    assert client.types == ["abort"]
    assert client.ids == [cursor(2, 63, 1)]
    assert (await session.read(since_cursor(2))).received == client.received
    assert await session.is_over(client.ids[-1])


async def test_a_queued_turns_reader_hears_nothing_of_the_turn_before(session: Session) -> None:
    first = await open_turn(session, "a")
    second = session.ledger.queue()
    async with session.reader(since_cursor(2)) as client:
        await first.say_apart("b")
        await first.finish()
        await asyncio.sleep(0.05)
        assert client.received == []
        speaker = await session.speaker(second)
        speaker.say("two")
        await speaker.finish()
        await client.until_ended()

    assert client.text == "two"
    assert client.resets == []


async def test_a_turn_closed_from_outside_is_told_whole(session: Session) -> None:
    speaker = await open_turn(session, "half")
    async with session.reader(since_cursor(1)) as client:
        await client.until_text("half")
        session.ledger.cancel(speaker.turn)
        await session.events.wake_readers(session.id)
        await client.until_ended()

    assert client.resets == ["lost"]
    assert client.text == ""
    assert client.types[-1] == "abort"
    await speaker.writer.aclose()


async def test_a_live_reader_sees_a_restart_and_a_new_one_only_the_last_attempt(session: Session) -> None:
    old = await open_turn(session, "old")
    async with session.reader(since_cursor(1)) as live:
        await live.until_text("old")
        await old.writer.aclose()
        new = await session.speaker(old.turn)
        await new.say_apart("new")
        await live.until_text("new")
        late = await asyncio.gather(
            *(finish_with(session, begin) for begin in (since_cursor(1), cursor(1, 1, 2)))
        )
        await new.finish()
        await live.until_ended()

    assert [kind for kind in live.types if kind == "start"] == ["start", "start"]
    assert "data-turn-restarted" in live.types
    replayed = await session.read(since_cursor(1))
    assert replayed.text == live.text == "new"
    assert replayed.types.count("start") == 1
    assert {event_id.split("-")[0] for event_id in replayed.ids} == {"65602"}
    assert all(client.types.count("start") == 1 and client.text == "new" for client in late)


async def finish_with(session: Session, begin: str) -> Client:
    async with session.reader(begin) as client:
        await client.until_text("new")
    return client


async def test_a_claimed_pen_that_has_said_nothing_yet_hides_the_one_before(session: Session) -> None:
    old = await open_turn(session, "old")
    await old.writer.aclose()
    session.ledger.take(old.turn)
    async with session.reader(since_cursor(1)) as client:
        await asyncio.sleep(0.05)
        assert client.received == []
        new = await session.speaker(old.turn)
        new.say("new")
        await new.finish()
        await client.until_ended()

    assert client.text == "new"


async def test_superseded_events_are_skipped_over_many_pages(session: Session) -> None:
    old = await session.speaker()
    for _ in range(3):
        for _ in range(400):
            old.writer.write(_distinct(old))
        await old.writer.flush(5)
    await old.writer.aclose()
    new = await session.speaker(old.turn)
    new.say("new")
    await new.finish()

    client = await session.read()

    assert client.text == "new"
    assert client.types.count("start") == 1


def _distinct(speaker: Speaker) -> Chunk:
    return envelope.text_start(speaker.writer.part_id("text"))


async def test_a_lost_stream_is_reset_and_said_again_to_a_new_reader(
    session: Session, valkey: Valkey
) -> None:
    speaker = await open_turn(session, "a", "b")
    await forget(valkey, session)
    async with session.reader(cursor(1, 1, 5)) as client:
        await client.until(lambda client: client.resets == ["lost"])
        speaker.say("c")
        await client.until_text("abc")
        await speaker.finish()
        await client.until_ended()

    assert client.types[:3] == ["data-stream-reset", "start", "data-turn-restarted"]
    assert client.ids[0] == cursor(1, 2, 1)


async def test_a_lost_tail_is_reset_and_told_from_the_start(session: Session, valkey: Valkey) -> None:
    speaker = await open_turn(session, "a", "b", "c")
    async with session.reader(since_cursor(1), pace=QUICK) as client:
        await client.until_text("abc")
        await lose_tail(valkey, session, 1)
        await client.until(lambda client: client.resets == ["lost"])
        await client.until_text("ab")
        speaker.say("d")
        await client.until_text("abcd")
        await speaker.finish()
        await client.until_ended()

    assert client.text == "abcd"


async def test_a_lost_stream_hurts_no_reader_who_was_told_in_time(session: Session, valkey: Valkey) -> None:
    """Whoever is live when the writer says it again needs no reset: a new `start` is enough."""
    speaker = await open_turn(session, "a")
    async with session.reader(since_cursor(1), pace=UNHURRIED) as client:
        await client.until_text("a")
        await forget(valkey, session)
        speaker.say("b")
        await client.until_text("ab")
        await speaker.finish()
        await client.until_ended()

    assert client.resets == []
    assert client.types.count("data-turn-restarted") == 1


async def test_an_open_turn_whose_start_is_trimmed_is_told_at_its_end(
    session: Session, valkey: Valkey
) -> None:
    speaker = await open_turn(session, "a", "b", "c")
    await trim(valkey, session, 2)
    async with (
        session.reader(since_cursor(1)) as new,
        session.reader(cursor(1, 1, 2)) as old,
        session.reader() as first,
    ):
        await asyncio.sleep(0.1)
        await speaker.say_apart("d", "e")
        asked = session.ledger.questions
        await speaker.say_apart(*"fghijkl")
        # What passes by unread is no reason to ask again.
        assert session.ledger.questions == asked
        assert new.types == first.types == []
        assert old.resets == ["trimmed"]
        await speaker.finish()
        for client in (new, old, first):
            await client.until_ended()

    for client in (new, old, first):
        assert client.text == "abcdefghijkl"
        assert client.types.count("start") == 1
    assert first.types == WHOLE


@pytest.mark.parametrize(
    ("begin", "turn_no"),
    [(since_cursor(9), 2), (cursor(9, 3, 4), 2), (since_cursor(3), 2), ("999999999999999-999999999999", 2)],
)
async def test_h5_a_cursor_in_the_future_is_told_the_newest_turn(
    session: Session, begin: str, turn_no: int
) -> None:
    await session.whole_turn("one")
    await session.whole_turn("two")

    client = await session.read(begin)

    assert client.received[0].chunk["data"] == {"turn_no": turn_no, "reason": "future"}
    assert client.text == "two"
    assert client.types.count("finish") == 1
    assert client.is_done


@pytest.mark.parametrize("begin", [cursor(1, 1, 999), cursor(1, 7, 3), since_cursor(2), cursor(5, 1, 1)])
async def test_a_cursor_in_the_future_of_an_open_turn(session: Session, begin: str) -> None:
    speaker = await open_turn(session, "a")
    async with session.reader(begin) as client:
        await client.until_text("a")
        assert client.resets == ["future"]
        speaker.say("b")
        await speaker.finish()
        await client.until_ended()

    assert client.text == "ab"
    assert client.ids[0] == cursor(1, 1, 1)


async def test_h5_a_future_cursor_of_a_session_without_turns(session: Session) -> None:
    async with session.reader(since_cursor(3)) as client:
        await client.until(lambda client: client.resets == ["future"])
        await session.whole_turn("one")
        await client.until_ended()

    assert client.text == "one"


async def test_without_a_cursor_and_a_stream_the_newest_turn_is_told(
    session: Session, valkey: Valkey
) -> None:
    await session.whole_turn("one")
    await session.whole_turn("two")
    await forget(valkey, session)

    client = await session.read()

    assert client.types == WHOLE
    assert client.text == "two"


async def test_without_a_cursor_and_a_stream_an_open_turn_is_awaited(
    session: Session, valkey: Valkey
) -> None:
    speaker = await open_turn(session, "a")
    await forget(valkey, session)
    async with session.reader() as client:
        await asyncio.sleep(0.05)
        speaker.say("b")
        await speaker.finish()
        await client.until_ended()

    assert client.text == "ab"
    assert client.resets == []


async def test_a_lost_message_is_healed_in_silence_by_the_next(session: Session) -> None:
    speaker = await open_turn(session, "a")
    async with session.reader(since_cursor(1)) as client:
        await client.until_text("a")
        subscriptions = session.events.subscriptions
        channels, subscriptions._channels = subscriptions._channels, {}
        await speaker.say_apart("b", "c")
        await subscriptions.drain()
        subscriptions._channels = channels
        await asyncio.sleep(0.02)
        assert client.text == "a"
        speaker.say("d")
        await client.until_text("abcd")
        await speaker.finish()
        await client.until_ended()

    assert client.resets == []


async def test_a_slow_reader_overflows_and_loses_nothing(valkey: Valkey) -> None:
    async with Subscriptions(valkey, buffer_bytes=2_000) as subscriptions:
        session = Session(EventLog(valkey, subscriptions=subscriptions), asyncio.Event())
        speaker = await open_turn(session, "a")
        client, pieces = Client(), (await session.tail(since_cursor(1))).pieces()
        client.take(await anext(pieces))
        # The reader takes nothing while much is said.
        for number in range(200):
            speaker.say(f" {number}" * 10)
            await speaker.writer.flush(5)
        await subscriptions.drain()
        (subscription,) = next(iter(subscriptions._channels.values())).subscriptions
        assert subscription._bytes < 2_000 + 500
        assert subscription._missed
        await speaker.finish()
        async for piece in pieces:
            client.take(piece)

    assert client.text == speaker.text
    assert client.resets == []
    assert client.is_done


async def test_valkey_killed_and_back_empty_in_mid_turn(own: tuple[ValkeyServer, Valkey, Session]) -> None:
    server, _, session = own
    speaker = await open_turn(session, "a", "b")
    async with session.reader(since_cursor(1)) as client:
        await client.until_text("ab")
        server.kill()
        speaker.say("c")
        await asyncio.sleep(0.3)
        assert not client.is_ended
        server.start()
        await client.until_text("abc")
        speaker.say("d")
        await speaker.finish()
        await client.until_ended()

    assert client.text == "abcd"
    assert client.types.count("finish") == 1
    assert client.is_done


async def test_valkey_away_at_the_end_of_a_turn_readers_get_it_from_postgresql(
    own: tuple[ValkeyServer, Valkey, Session],
) -> None:
    server, _, session = own
    speaker = await open_turn(session, "a", "b")
    async with session.reader(since_cursor(1), pace=QUICK) as client:
        await client.until_text("ab")
        server.kill()
        speaker.say("c")
        await speaker.close(flush_seconds=0.1)
        ending = asyncio.create_task(speaker.end())
        await client.until_ended()
        ending.cancel()
        await asyncio.gather(ending, return_exceptions=True)

    assert client.resets == ["lost"]
    assert client.text == "abc"
    assert client.is_done


async def test_without_valkey_closed_turns_are_told_and_open_ones_awaited(
    own: tuple[ValkeyServer, Valkey, Session],
) -> None:
    server, _, session = own
    await session.whole_turn("one")
    end = cursor(1, 1, session.ledger.turns[1].terminal_n or 0)
    server.kill()

    assert await session.is_over(end)
    assert (await session.read()).types == WHOLE
    assert (await session.read(since_cursor(1))).types == RETOLD
    turn = session.ledger.queue()
    async with session.reader(since_cursor(2)) as client:
        await asyncio.sleep(0.3)
        assert client.received == []
        server.start()
        speaker = await session.speaker(turn)
        speaker.say("two")
        await client.until_text("two")
        await speaker.finish()
        await client.until_ended()
    assert client.resets == []


async def test_a_stalled_valkey_is_not_waited_for(own: tuple[ValkeyServer, Valkey, Session]) -> None:
    server, _, session = own
    await session.whole_turn("one")
    server.pause()
    try:
        client = await session.read(since_cursor(1))
    finally:
        server.resume()

    assert client.types == RETOLD


async def test_follow_goes_on_without_valkey(own: tuple[ValkeyServer, Valkey, Session]) -> None:
    server, _, session = own
    await session.whole_turn("one")
    async with session.reader(follow=True) as client:
        await client.until_text("one")
        server.kill()
        for turn in (session.ledger.queue(), session.ledger.queue()):
            session.ledger.cancel(turn)
        await client.until(lambda client: client.types.count("abort") == 2)
        server.start()
        await session.whole_turn("four")
        await client.until_text("four")


async def test_a_hub_opened_before_valkey(own: tuple[ValkeyServer, Valkey, Session]) -> None:
    server, _, _ = own
    server.kill()
    async with opened(server.url) as (_, events):
        session = Session(events, asyncio.Event())
        async with session.reader() as client:
            await asyncio.sleep(0.2)
            server.start()
            await session.whole_turn("one")
            await client.until_ended()
    assert client.text == "one"


async def test_postgresql_away_does_not_disturb_what_is_live(session: Session) -> None:
    speaker = await open_turn(session, "a")
    async with session.reader(since_cursor(1), pace=QUICK) as client:
        await client.until_text("a")
        session.ledger.is_away = True
        speaker.say("b")
        await client.until_text("ab")
        await client.until(lambda client: len(client.comments) >= 2)
        speaker.say("c")
        await client.until_text("abc")
        session.ledger.is_away = False
        await speaker.finish()
        await client.until_ended()

    assert client.resets == []
    assert client.types.count("start") == 1


async def test_a_closed_turn_is_told_when_postgresql_is_back(session: Session, valkey: Valkey) -> None:
    await session.whole_turn("one")
    await forget(valkey, session)
    session.ledger.is_away = True
    async with session.reader(cursor(1, 1, 2)) as client:
        await asyncio.sleep(0.3)
        assert client.received == []
        session.ledger.is_away = False
        await client.until_ended()

    assert client.types == RETOLD


async def test_a_zombies_first_word_in_a_lost_stream_ends_up_nowhere(
    session: Session, valkey: Valkey
) -> None:
    zombie = await session.speaker()
    await zombie.writer.flush(5)
    new = await session.speaker(zombie.turn)
    await new.say_apart("new")
    await forget(valkey, session)
    # A word of the old claim's first batch, as if it had been on its way all the time.
    store = zombie.writer._events
    await store.append(session.id, [(Position(1, 1, 1, 1), envelope.start("zombie"))], predecessor=None)
    async with session.reader(cursor(1, 2, 4)) as client, session.reader(since_cursor(1)) as fresh:
        await asyncio.sleep(0.05)
        await new.say_apart("er")
        await new.finish()
        await client.until_ended()
        await fresh.until_ended()

    assert client.text == fresh.text == "newer"
    assert "zombie" not in str(client.received) + str(fresh.received)
    await zombie.writer.aclose()


async def test_tails_survive_a_line_that_is_cut_again_and_again(session: Session, valkey: Valkey) -> None:
    speaker = await open_turn(session, "a")
    async with session.reader(since_cursor(1), pace=UNHURRIED) as client:
        await client.until_text("a")
        for word in "bcde":
            await valkey.call("CLIENT", "KILL", "TYPE", "pubsub")
            await speaker.say_apart(word)
        await client.until_text("abcde")
        await speaker.finish()
        await client.until_ended()

    assert client.resets == []
