"""A turn of several segments: what a reader has of it counts, wherever it resumes and whatever the store has lost."""

import pytest

from events.speaker import Speaker
from events.stage import Session, forget, key, lose_tail, trim
from neo.events import Position, since_cursor
from neo.streams import Valkey
from neo.tails.place import Shown

MODEL = ["start-step", "text-start", "text-delta", "text-end"]
CALLS = ["tool-output-available", "finish-step"]
WHOLE = ["start", *MODEL, *CALLS, *MODEL, "finish-step", "finish"]


async def three_segments(session: Session) -> Speaker:
    speaker = await session.speaker()
    await speaker.say_apart("one ")
    await speaker.settle(is_calls=True)
    speaker.answer("call_a", "1")
    await speaker.settle()
    await speaker.say_apart("three")
    return speaker


async def test_segments_add_up(session: Session) -> None:
    speaker = await three_segments(session)
    await speaker.finish()

    client = await session.read()

    assert client.types == WHOLE
    assert client.fold.items == speaker.turn.items
    assert [event_id for event_id in client.ids if event_id.endswith("-1")] == [
        str(Position(1, segment, 1, 1)) for segment in (1, 2, 3)
    ]


async def test_a_crash_discards_its_own_segment_only(session: Session) -> None:
    old = await three_segments(session)
    async with session.reader(since_cursor(1)) as live:
        await live.until_text("one three")
        await old.writer.aclose()
        new = await session.speaker(old.turn)
        await new.say_apart("3")
        await live.until_text("one 3")
        await new.finish()
        await live.until_ended()

    assert live.resets == []
    assert live.types.count("start") == 1
    assert live.types.count("data-turn-restarted") == 1
    assert live.fold.items == new.turn.items


async def test_a_turn_is_replayed_as_far_as_it_is_settled_and_goes_on_live(
    session: Session, valkey: Valkey
) -> None:
    speaker = await three_segments(session)
    await forget(valkey, session)
    async with session.reader(since_cursor(1)) as client:
        await client.until(lambda client: client.types == ["start", *MODEL, *CALLS])
        await speaker.say_apart("!")
        await client.until_text("one three!")
        await speaker.finish()
        await client.until_ended()

    assert client.resets == []
    assert client.fold.items == speaker.turn.items


@pytest.mark.parametrize("segment", [1, 2])
async def test_the_stored_end_of_a_settled_segment_is_good_though_the_store_is_empty(
    session: Session, valkey: Valkey, segment: int
) -> None:
    speaker = await three_segments(session)
    row = speaker.turn.rows[segment - 1]
    cursor = str(Position(1, row.segment, row.claim, row.last_n))
    await forget(valkey, session)
    async with session.reader(cursor) as client:
        await speaker.say_apart("!")
        await client.until_text("three!")
        await speaker.finish()
        await client.until_ended()

    assert client.resets == []
    assert client.types.count("tool-output-available") == 2 - segment


async def test_a_replay_can_be_resumed_at_each_of_its_events(session: Session, valkey: Valkey) -> None:
    speaker = await three_segments(session)
    await speaker.finish()
    await forget(valkey, session)
    whole = await session.read(since_cursor(1))

    assert whole.types == ["data-stream-reset", *WHOLE]
    for number, cursor in enumerate(whole.ids[:-1], 1):
        rest = await session.read(cursor)
        assert rest.received == whole.received[1 + number :]
    assert await session.is_over(whole.ids[-1])


async def test_who_has_something_that_does_not_count_is_told_the_turn_again(
    session: Session, valkey: Valkey
) -> None:
    speaker = await session.speaker()
    await speaker.say_apart("a", "b")
    await lose_tail(valkey, session, 1)
    # Settled with all of it; the store has only a part, and takes what comes after.
    speaker.turn.claims_max = 1
    await speaker.settle(is_calls=True)
    speaker.answer("call_a", "1")
    await speaker.settle()
    await speaker.finish()

    client = await session.read(since_cursor(1))

    assert client.resets == ["trimmed"]
    assert client.types.count("start") == 2
    assert client.fold.items == speaker.turn.items


async def test_a_segment_whose_beginning_is_trimmed_is_told_when_it_is_settled(
    session: Session, valkey: Valkey
) -> None:
    speaker = await three_segments(session)
    await speaker.say_apart("!", "!")
    await trim(valkey, session, 2)
    async with session.reader(since_cursor(1)) as client:
        await client.until(lambda client: client.types == ["start", *MODEL, *CALLS])
        await speaker.say_apart("?")
        await speaker.settle(is_calls=True)
        speaker.answer("call_b", "2")
        await speaker.writer.flush(2)
        await client.until_text("one three!!?")
        await speaker.settle()
        await speaker.finish()
        await client.until_ended()

    assert client.resets == []
    assert client.fold.items == speaker.turn.items


async def test_what_was_written_before_turns_had_segments_is_replayed(
    session: Session, valkey: Valkey
) -> None:
    for claim, n in ((1, 1), (1, 2)):
        await valkey.call(
            "XADD", key(session), f"{65536 + claim}-{n}", "k", "c", "p", '{"type":"start-step"}'
        )
    speaker = await session.speaker()
    await speaker.say_apart("new")
    async with session.reader(f"{65536 + 1}-2") as old, session.reader(since_cursor(1)) as fresh:
        await old.until_text("new")
        await fresh.until_text("new")
        await speaker.finish()
        await old.until_ended()
        await fresh.until_ended()

    assert old.resets == ["lost"]
    assert fresh.resets == []
    assert fresh.types == ["start", *MODEL, "finish-step", "finish"]
    assert (await session.read()).types == fresh.types


async def test_where_progress_is_hidden_nothing_else_is_missed(session: Session) -> None:
    speaker = await three_segments(session)
    async with session.reader(since_cursor(1), shown=Shown(progress=False)) as client:
        await client.until_text("one three")
        await speaker.finish()
        await client.until_ended()
    replayed = await session.read(since_cursor(1), shown=Shown(progress=False))

    assert client.types == [kind for kind in WHOLE if not kind.startswith("tool-")]
    assert replayed.received == client.received
    for number, cursor in enumerate(client.ids[:-1], 1):
        rest = await session.read(cursor, shown=Shown(progress=False))
        assert rest.received == client.received[number:]
