"""A turn that waits for a decision or for a call ends the response, and goes on in another."""

import asyncio

import pytest

from events.speaker import Speaker
from events.stage import QUICK, Session, forget, opened, running_valkey, trim
from neo.events import Position, envelope, since_cursor
from neo.streams import Valkey
from neo.tails.place import Shown
from neo.tails.tail import TailPace

TOLD = ["start", "start-step", "text-start", "text-delta", "text-end", "tool-output-available", "finish-step"]


async def waiting(session: Session, *, dies: bool = False) -> Speaker:
    """A turn whose second segment waits."""
    speaker = await session.speaker()
    speaker.say("a")
    await speaker.settle(is_calls=True)
    speaker.answer("call_a", "1")
    await speaker.settle(waits=True, dies=dies)
    return speaker


async def decided(session: Session, speaker: Speaker) -> None:
    """Somebody decides, and the turn goes on to its end."""
    speaker = await session.speaker(speaker.turn)
    speaker.answer("call_b", "2")
    await speaker.settle()
    speaker.say("b")
    await speaker.finish()


async def test_a_turn_that_waits_ends_the_response_and_not_the_turn(session: Session) -> None:
    speaker = await waiting(session)

    client = await session.read(since_cursor(1))

    assert client.types == [*TOLD, "data-turn-waiting"]
    assert client.is_done
    assert client.ids[-1] == client.received[-1].chunk["data"]["cursor"] == str(speaker.turn.after)
    assert not await session.is_over(client.ids[-1])


async def test_from_the_waiting_cursor_a_tail_stays_open_and_gets_what_was_decided(session: Session) -> None:
    speaker = await waiting(session)
    cursor = str(speaker.turn.after)
    async with session.reader(cursor, pace=TailPace(keep_alive_seconds=0.05)) as client:
        await client.until(lambda client: len(client.comments) >= 3)
        assert client.received == []
        await decided(session, speaker)
        await client.until_ended()

    assert client.types[0] == "tool-output-available"
    assert client.types[-1] == "finish"
    assert client.resets == []


async def test_follow_never_ends_where_a_turn_waits(session: Session) -> None:
    async with session.reader(since_cursor(1), follow=True) as client:
        speaker = await waiting(session)
        await client.until(lambda client: client.types[-1:] == ["data-turn-waiting"])
        await asyncio.sleep(0.1)
        assert not client.is_ended
        await decided(session, speaker)
        await client.until(lambda client: client.types[-1] == "finish")

    assert client.text == "ab"


async def test_a_turn_that_has_gone_on_does_not_end_the_response_where_it_waited(session: Session) -> None:
    speaker = await waiting(session)
    await decided(session, speaker)

    client = await session.read(since_cursor(1))

    assert client.types.count("data-turn-waiting") == 1
    assert client.types[-1] == "finish"
    assert client.text == "ab"


async def test_a_turn_that_waits_again_ends_the_response_only_there(session: Session) -> None:
    speaker = await waiting(session)
    speaker = await session.speaker(speaker.turn)
    speaker.answer("call_b", "2")
    await speaker.settle(waits=True)

    client = await session.read(since_cursor(1))

    assert client.types.count("data-turn-waiting") == 2
    assert client.ids[-1] == str(speaker.turn.after)
    assert client.retry_ms is not None


@pytest.mark.parametrize("is_live", [True, False])
async def test_that_it_waits_comes_from_postgresql_where_its_writer_died(
    session: Session, *, is_live: bool
) -> None:
    if is_live:
        async with session.reader(since_cursor(1), pace=QUICK) as client:
            await waiting(session, dies=True)
            await client.until_ended()
    else:
        await waiting(session, dies=True)
        client = await session.read(since_cursor(1))

    assert client.types == [*TOLD, "data-turn-waiting"]
    assert client.resets == []
    assert client.is_done


async def test_a_waiting_turn_is_replayed_from_an_emptied_store(session: Session, valkey: Valkey) -> None:
    speaker = await waiting(session)
    live = await session.read(since_cursor(1))
    await forget(valkey, session)

    client = await session.read(since_cursor(1))

    assert client.types == live.types
    assert client.fold.items == live.fold.items
    assert client.ids[0] == str(Position(1, 1, 63, 1))
    assert client.received[-1].chunk == live.received[-1].chunk
    # From either end, the rest and nothing else.
    for cursor in (client.ids[-1], str(speaker.turn.after)):
        async with session.reader(cursor, pace=QUICK) as waits:
            await asyncio.sleep(0.1)
            assert waits.received == []
    async with session.reader(client.ids[-1]) as rest:
        await decided(session, speaker)
        await rest.until_ended()
    assert rest.resets == []
    assert rest.text == "b"


async def test_a_waiting_turn_is_told_while_valkey_is_away() -> None:
    with running_valkey() as server:
        async with opened(server.url) as (_, events):
            session = Session(events, asyncio.Event())
            await waiting(session)
            server.kill()

            client = await session.read(since_cursor(1), pace=QUICK)

    assert client.types == [*TOLD, "data-turn-waiting"]
    assert client.is_done


async def test_a_response_that_is_over_at_once_slows_its_client_down(session: Session) -> None:
    speaker = await waiting(session)
    again = await session.read(since_cursor(1))
    await decided(session, speaker)
    whole = await session.read(since_cursor(1))

    assert 5_000 <= (again.retry_ms or 0) <= 10_000
    assert whole.retry_ms is None


async def test_a_turn_cancelled_while_it_waits_ends_its_tails(session: Session) -> None:
    speaker = await waiting(session)
    async with session.reader(str(speaker.turn.after)) as client:
        await asyncio.sleep(0.05)
        session.ledger.cancel(speaker.turn)
        await session.events.wake_readers(session.id)
        await client.until_ended()

    assert client.types == ["abort"]
    assert client.ids == [str(Position(1, 3, 63, 1))]


async def test_that_it_waits_is_shown_where_progress_is_hidden(session: Session) -> None:
    await waiting(session)

    client = await session.read(since_cursor(1), shown=Shown(progress=False))

    assert client.types == [*(kind for kind in TOLD if not kind.startswith("tool-")), "data-turn-waiting"]
    assert envelope.turn_waiting({}).kind.value == "w"


async def test_postgresql_is_asked_before_the_response_ends(session: Session) -> None:
    """While it is away, nobody knows whether the turn still waits."""
    speaker = await session.speaker()
    await speaker.settle(is_calls=True)
    async with session.reader(since_cursor(1), pace=QUICK) as client:
        await client.until(lambda client: client.types[-1:] == ["text-end"])
        await speaker.settle(waits=True, dies=True)
        session.ledger.is_away = True
        await speaker.writer.aclose()
        await session.events.wake_readers(session.id)
        await asyncio.sleep(0.2)
        assert not client.is_ended
        session.ledger.is_away = False
        await client.until_ended()

    assert client.types[-1] == "data-turn-waiting"


async def test_a_reader_that_passes_over_a_trimmed_segment_gets_it_when_it_waits(
    session: Session, valkey: Valkey
) -> None:
    speaker = await session.speaker()
    await speaker.settle(is_calls=True)
    for number in range(4):
        speaker.answer(f"call_{number}", "1")
        await speaker.writer.flush(2)
    await trim(valkey, session, 1)
    async with session.reader(since_cursor(1)) as client:
        await client.until(lambda client: client.types[-1:] == ["text-end"])
        speaker.answer("call_4", "1")
        await speaker.settle(waits=True)
        await client.until_ended()

    assert client.types.count("tool-output-available") == 5
    assert client.types[-1] == "data-turn-waiting"
    assert client.resets == []
