"""What a reader gets while all is well, and where a response begins and ends."""

import asyncio
import gc

import pytest

from events.client import Client
from events.stage import QUICK, Session
from neo.events import Chunk, Position, envelope, since_cursor
from neo.events.log import PAGE_EVENTS
from neo.tails.place import Shown
from neo.tails.tail import TailPace

WHOLE = ["start", "start-step", "text-start", "text-delta", "text-end", "finish-step", "finish"]
# What a reader was doing when it left comes to its end.
LEAVING_SECONDS = 5.0


def cursor(turn: int, claim: int, n: int) -> str:
    return str(Position(turn, 1, claim, n))


async def test_a_finished_turn_is_read_from_its_cursor(session: Session) -> None:
    await session.whole_turn("one")
    await session.whole_turn("two")

    client = await session.read(since_cursor(2))

    assert client.types == WHOLE
    assert client.text == "two"
    assert client.ids == [cursor(2, 1, n) for n in range(1, 8)]
    assert client.is_done


async def test_a_turn_is_read_as_it_is_said(session: Session) -> None:
    turn = session.ledger.queue()
    async with session.reader(since_cursor(1)) as client:
        await asyncio.sleep(0.05)
        assert client.received == []
        speaker = await session.speaker(turn)
        for word in "abc":
            speaker.say(word)
            await client.until_text(speaker.text)
        await speaker.finish()
        await client.until_ended()

    assert client.types[-1] == "finish"
    assert client.is_done


async def test_a_session_without_turns_waits_for_the_first(session: Session) -> None:
    async with session.reader() as client:
        await asyncio.sleep(0.05)
        await session.whole_turn("hello")
        await client.until_ended()

    assert client.text == "hello"


async def test_without_a_cursor_the_oldest_kept_turn_is_read(session: Session) -> None:
    await session.whole_turn("one")
    await session.whole_turn("two")

    assert (await session.read()).text == "one"
    assert (await session.read("0-0")).text == "one"


@pytest.mark.parametrize("n", range(8))
async def test_every_cursor_of_a_turn_gives_exactly_the_rest(session: Session, n: int) -> None:
    await session.whole_turn("one")
    whole = await session.read()
    if n == 7:
        assert await session.is_over(whole.ids[-1])
        return

    rest = await session.read(cursor(1, 1, n))

    assert rest.received == whole.received[n:]


@pytest.mark.parametrize("n", range(1, 6))
async def test_every_cursor_of_an_open_turn_goes_on_live(session: Session, n: int) -> None:
    speaker = await session.speaker()
    await speaker.say_apart("a", "b")
    async with session.reader(cursor(1, 1, n)) as client:
        await asyncio.sleep(0.03)
        speaker.say("c")
        await speaker.finish()
        await client.until_ended()

    assert client.ids == [cursor(1, 1, m) for m in range(n + 1, 10)]
    assert client.resets == []


async def test_one_turn_a_response_and_the_next_from_its_last_id(session: Session) -> None:
    for text in ("one", "two", "three"):
        await session.whole_turn(text)
    first = await session.read()
    second = await session.read(first.ids[-1])
    third = await session.read(second.ids[-1])

    assert [first.text, second.text, third.text] == ["one", "two", "three"]
    assert await session.is_over(third.ids[-1])


async def test_follow_goes_on_over_turns(session: Session) -> None:
    await session.whole_turn("one")
    async with session.reader(follow=True) as client:
        await client.until_text("one")
        await session.whole_turn("two")
        await client.until_text("two")
        cancelled = session.ledger.queue()
        session.ledger.cancel(cancelled)
        await session.events.wake_readers(session.id)
        await client.until(lambda client: client.types[-1] == "abort")
        await session.whole_turn("four")
        await client.until(lambda client: client.types.count("finish") == 3)
        assert not client.is_ended

    assert client.text == "four"
    assert client.resets == []
    assert not client.is_done


async def test_follow_tells_a_turn_that_never_ran_in_between(session: Session) -> None:
    await session.whole_turn("one")
    session.ledger.cancel(session.ledger.queue())
    session.ledger.cancel(session.ledger.queue())
    await session.whole_turn("four")
    async with session.reader(follow=True) as client:
        await client.until_text("four")
        await client.until(lambda client: client.types[-1] == "finish")

    assert [kind for kind in client.types if kind in {"finish", "abort"}] == [
        "finish",
        "abort",
        "abort",
        "finish",
    ]


async def test_over_only_at_the_newest_turns_end_and_with_no_turn_open(session: Session) -> None:
    assert not await session.is_over()
    assert not await session.is_over(since_cursor(1))
    await session.whole_turn("one")
    end = session.ledger.turns[1].terminal_n or 0

    assert not await session.is_over()
    assert not await session.is_over(since_cursor(1))
    assert not await session.is_over(cursor(1, 1, end - 1))
    assert await session.is_over(cursor(1, 1, end))
    assert await session.is_over(cursor(1, 1, end + 5))
    # As replayed, in 7 events.
    assert not await session.is_over(cursor(1, 63, 6))
    assert await session.is_over(cursor(1, 63, 7))
    assert await session.is_over(cursor(1, 3, 1))
    assert not await session.is_over(since_cursor(2))
    assert not await session.is_over(cursor(1, 1, end), follow=True)
    running = session.ledger.queue()
    assert not await session.is_over(cursor(1, 1, end))
    # A message behind it is withdrawn: its end is the newest, and the older turn goes on.
    session.ledger.cancel(session.ledger.queue())
    assert not await session.is_over(cursor(3, 63, 1))
    session.ledger.cancel(running)
    assert await session.is_over(cursor(3, 63, 1))


async def test_progress_is_hidden_on_the_servers_side(session: Session) -> None:
    speaker = await session.speaker()
    thought = speaker.writer.part_id("reasoning")
    speaker.writer.write(envelope.reasoning_start(thought))
    speaker.writer.write(envelope.reasoning_delta(thought, "hm"))
    speaker.writer.write(envelope.reasoning_end(thought))
    speaker.writer.write(envelope.tool_input_start("call", "search"))
    speaker.writer.write(envelope.tool_output_error("call", "no"))
    speaker.say("answer")
    async with session.reader(shown=Shown(progress=False)) as live, session.reader() as curious:
        await speaker.finish()
        await live.until_ended()
        await curious.until_ended()
    replayed = await session.read(shown=Shown(progress=False))

    assert live.types == replayed.types == WHOLE
    assert live.ids == replayed.ids
    assert "reasoning-delta" in curious.types
    assert "tool-output-error" in curious.types
    # The numbers jump where something is hidden; any of them is a cursor all the same.
    resumed = await session.read(live.ids[2], shown=Shown(progress=False))
    assert resumed.received == live.received[3:]


async def test_keep_alive_comes_and_costs_no_event(session: Session) -> None:
    async with session.reader(pace=TailPace(keep_alive_seconds=0.05)) as client:
        await client.until(lambda client: len(client.comments) >= 3)

    assert client.comments[0] == ": keep-alive"
    assert client.received == []


async def test_a_long_life_ends_with_retry_and_can_go_on(session: Session) -> None:
    speaker = await session.speaker()
    await speaker.say_apart("a")
    first = await session.read(since_cursor(1), pace=TailPace(life_seconds=0.2))

    assert first.retry_ms is not None
    assert 500 <= first.retry_ms <= 2_000
    assert not first.is_done
    await speaker.finish()
    second = await session.read(first.ids[-1])
    assert [*first.types, *second.types] == WHOLE


async def test_a_shutdown_sends_all_tails_away(session: Session, closing: asyncio.Event) -> None:
    async with session.reader() as one, session.reader(follow=True) as two:
        await asyncio.sleep(0.05)
        closing.set()
        await one.until_ended()
        await two.until_ended()
        late = await session.read()

    assert all(client.retry_ms and not client.is_done for client in (one, two, late))
    assert len(session.open_tails) == 0


async def test_two_hundred_tails_of_one_session_share_one_subscription(session: Session) -> None:
    subscriptions = session.events.subscriptions
    before = subscriptions.sessions
    speaker = await session.speaker()
    await speaker.say_apart("a")
    clients = [Client() for _ in range(200)]
    async with asyncio.timeout(20):
        async with asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(client.read(await session.tail(since_cursor(1))))
            await asyncio.sleep(0.1)
            assert subscriptions.sessions == before + 1
            assert len(session.open_tails) == 200
            for word in "bcdefgh":
                await speaker.say_apart(word)
            await speaker.finish()

    assert {client.text for client in clients} == {"abcdefgh"}
    assert subscriptions.sessions == before
    assert len(session.open_tails) == 0


async def test_a_reader_that_leaves_leaves_nothing(session: Session) -> None:
    subscriptions = session.events.subscriptions
    before, tasks = subscriptions.sessions, asyncio.all_tasks()
    for _ in range(20):
        async with session.reader(follow=True):
            await asyncio.sleep(0)
    kept = {"valkey-pubsub-sender", "valkey-pubsub-reader"}
    async with asyncio.timeout(LEAVING_SECONDS):
        while not {task.get_name() for task in asyncio.all_tasks() - tasks} <= kept:
            await asyncio.sleep(0.02)

    assert subscriptions.sessions == before
    assert len(session.open_tails) == 0


async def test_a_tail_asks_postgresql_a_few_times_however_long_the_turn(session: Session) -> None:
    speaker = await session.speaker()
    async with session.reader(since_cursor(1)) as client:
        for _ in range(50):
            await speaker.say_apart("x")
        await client.until_text("x" * 50)
        assert session.ledger.questions <= 3
        await speaker.finish()
        await client.until_ended()


async def test_an_idle_tail_is_light(session: Session) -> None:
    import tracemalloc

    count = 300
    readers = [asyncio.create_task(Client().read(await session.tail(follow=True))) for _ in range(20)]
    await asyncio.sleep(0.1)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    readers += [asyncio.create_task(Client().read(await session.tail(follow=True))) for _ in range(count)]
    await asyncio.sleep(0.5)
    gc.collect()
    each = (tracemalloc.get_traced_memory()[0] - before) / count
    tracemalloc.stop()
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)

    assert each < 12 * 1024, each


@pytest.mark.parametrize("ending", [envelope.abort(), envelope.error("no")])
async def test_any_terminal_ends_the_response(session: Session, ending: Chunk) -> None:
    speaker = await session.speaker()
    speaker.turn.terminal = ending
    await speaker.finish()

    client = await session.read()

    assert client.types[-1] == ending.type
    assert client.is_done


@pytest.mark.parametrize("words", [1, 20])
async def test_only_the_last_piece_is_the_end(session: Session, words: int) -> None:
    speaker = await session.speaker()
    await speaker.say_apart(*["x" * 10_000] * words)
    await speaker.finish()
    tail = await session.tail(since_cursor(1))

    given = [(tail.is_ended, piece.endswith(b"data: [DONE]\n\n")) async for piece in tail.pieces()]

    assert len(given) == (1 if words == 1 else 4)
    assert given == [(False, False)] * (len(given) - 1) + [(True, True)]


async def test_f29_a_long_replay_lets_others_have_their_turn(session: Session) -> None:
    speaker = await session.speaker()
    part = speaker.writer.part_id("reasoning")
    for number in range(3000):
        speaker.writer.write(envelope.tool_input_start(f"{part}-{number}", "x"))
    await speaker.finish()
    turns, reading = 0, asyncio.create_task(session.read(since_cursor(1)))
    while not reading.done():
        await asyncio.sleep(0)
        turns += 1

    assert len((await reading).received) == 3006
    assert turns > 3006 / PAGE_EVENTS


async def test_a_keep_alive_finds_what_pubsub_lost(session: Session) -> None:
    turn = session.ledger.queue()
    async with session.reader(since_cursor(1), pace=QUICK) as client:
        await asyncio.sleep(0.05)
        # Publishing has no hearer: as if each message of this turn was lost on its way.
        subscriptions = session.events.subscriptions
        channels, subscriptions._channels = subscriptions._channels, {}
        speaker = await session.speaker(turn)
        await speaker.say_apart("a")
        await speaker.finish()
        await subscriptions.drain()
        subscriptions._channels = channels
        assert client.received == []
        await client.until_ended()

    assert client.text == "a"
    assert client.resets == []
