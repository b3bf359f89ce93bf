import asyncio
import time

import pytest

from events.client import PATIENCE_SECONDS
from events.stage import Session, forget, kept, key, lose_tail, opened, running_valkey, trim
from neo.events import EventLog, Fenced, Position, envelope
from neo.events.transcript_buffer import CHARACTERS_MAX
from neo.streams import Valkey

MIB = 1024 * 1024


async def test_a_turn_is_numbered_from_one_under_its_claim(session: Session, valkey: Valkey) -> None:
    speaker = await session.speaker()
    await speaker.say_apart("a", "b")
    assert await speaker.finish()

    events = await kept(valkey, session)
    assert [event_id for event_id, _ in events] == [f"65601-{n}" for n in range(1, len(events) + 1)]
    assert [chunk["type"] for _, chunk in events] == [
        *(
            "start",
            "start-step",
            "text-start",
            "text-delta",
            "text-delta",
            "text-end",
            "finish-step",
            "finish",
        )
    ]
    assert session.ledger.turns[1].terminal_n == len(events)


async def test_the_first_word_goes_out_at_once_and_what_came_meanwhile_goes_together(
    session: Session, valkey: Valkey
) -> None:
    speaker = await session.speaker()
    await speaker.writer.flush(2)
    speaker.say("first")
    await asyncio.sleep(0)
    # The append of the first word is under way: it may not grow any more.
    await asyncio.sleep(0)
    speaker.say(*"abcdefgh")
    await speaker.finish()

    deltas = [chunk["delta"] for _, chunk in await kept(valkey, session) if chunk["type"] == "text-delta"]
    assert deltas == ["first", "abcdefgh"]


async def test_saying_never_blocks_and_flush_says_when_valkey_could_not_take_it() -> None:
    with running_valkey() as server:
        async with opened(server.url) as (_, events):
            session = Session(events, asyncio.Event())
            speaker = await session.speaker()
            await speaker.say_apart("a")
            server.kill()
            began = time.monotonic()
            speaker.say("b", "c")
            assert not await speaker.writer.flush(0.2)
            assert time.monotonic() - began < PATIENCE_SECONDS
            await speaker.writer.aclose()


async def test_after_a_flush_the_position_stands_still(session: Session, valkey: Valkey) -> None:
    with running_valkey() as server:
        async with opened(server.url) as (_, events):
            session = Session(events, asyncio.Event())
            speaker = await session.speaker()
            await speaker.say_apart("a")
            server.kill()
            speaker.say("b")
            assert not await speaker.writer.flush(0.1)
            position = speaker.writer.position
            server.start()
            await asyncio.sleep(0.3)
            assert speaker.writer.position == position == Position(1, 1, 1, 5)
            assert session.ledger.turns[1].claim == 1
            await speaker.writer.aclose()


async def test_a_turn_goes_on_without_valkey_and_is_said_again_when_it_is_back() -> None:
    with running_valkey() as server:
        async with opened(server.url) as (valkey, events):
            session = Session(events, asyncio.Event())
            speaker = await session.speaker()
            await speaker.say_apart("a", "b")
            server.kill()
            speaker.say("c")
            await asyncio.sleep(0.1)
            speaker.say("d")
            server.start()
            speaker.say("e")
            assert await speaker.finish()

            events_kept = await kept(valkey, session)
            assert {event_id.split("-")[0] for event_id, _ in events_kept} == {"65602"}
            assert [chunk["type"] for _, chunk in events_kept[:3]] == [
                "start",
                "data-turn-restarted",
                "start-step",
            ]
            assert events_kept[1][1]["data"] == {"segment": 1, "step": 1, "part_ids": ["text-1-1-1"]}
            deltas = [chunk for _, chunk in events_kept if chunk["type"] == "text-delta"]
            assert "".join(chunk["delta"] for chunk in deltas) == "abcde"
            assert {chunk["id"] for chunk in deltas} == {"text-1-2-1"}


@pytest.mark.parametrize("lost", [1, 2, 100])
async def test_a_store_that_lost_its_tail_hears_the_turn_again(
    session: Session, valkey: Valkey, lost: int
) -> None:
    speaker = await session.speaker()
    await speaker.say_apart("a", "b", "c")
    await lose_tail(valkey, session, lost)
    await speaker.say_apart("d")
    assert await speaker.finish()

    deltas = [
        chunk["delta"]
        for event_id, chunk in await kept(valkey, session)
        if event_id.startswith("65602-") and chunk["type"] == "text-delta"
    ]
    assert "".join(deltas) == "abcd"


async def test_a_closed_turn_claims_no_pen_even_when_the_store_lost_it(
    session: Session, valkey: Valkey
) -> None:
    speaker = await session.speaker()
    await speaker.say_apart("a")
    await speaker.close()
    await forget(valkey, session)

    assert not await speaker.end()
    assert session.ledger.turns[1].claim == 1
    assert await kept(valkey, session) == []


async def test_an_overtaken_attempt_is_told_so_and_writes_nothing(session: Session, valkey: Valkey) -> None:
    old = await session.speaker()
    await old.say_apart("old")
    new = await session.speaker(old.turn)
    await new.say_apart("new")
    old.say("zombie")
    with pytest.raises(Fenced):
        await old.writer.flush(5)
    with pytest.raises(Fenced):
        old.say("again")
    with pytest.raises(Fenced):
        await old.writer.end(envelope.finish("stop"))
    await old.writer.aclose()
    assert await new.finish()

    assert b"zombie" not in str(await kept(valkey, session)).encode()


async def test_a_new_attempt_names_the_parts_of_the_one_before(session: Session, valkey: Valkey) -> None:
    old = await session.speaker()
    await old.say_apart("x")
    old.writer.write(envelope.text_start(old.writer.part_id("text")))
    await old.writer.flush(5)
    await old.writer.aclose()
    new = await session.speaker(old.turn)
    assert await new.finish()

    restarted = [chunk for _, chunk in await kept(valkey, session) if chunk["type"] == "data-turn-restarted"]
    assert restarted == [
        {
            "type": "data-turn-restarted",
            "data": {"segment": 1, "step": 1, "part_ids": ["text-1-1-1", "text-1-1-2"]},
        }
    ]


async def test_a_call_written_again_keeps_its_id(session: Session, valkey: Valkey) -> None:
    speaker = await session.speaker()
    speaker.writer.write(envelope.tool_input_start("call_a", "search"))
    await speaker.writer.flush(5)
    await forget(valkey, session)
    speaker.writer.write(envelope.tool_output_error("call_a", "no"))
    assert await speaker.finish()

    calls = [chunk["toolCallId"] for _, chunk in await kept(valkey, session) if "toolCallId" in chunk]
    assert calls == ["call_a", "call_a"]


async def test_a_lost_reply_is_not_written_twice(session: Session, valkey: Valkey) -> None:
    speaker = await session.speaker()
    await speaker.say_apart("a")
    store = speaker.writer._events
    batch = [(Position(1, 1, 1, 5), envelope.text_delta("t", "b"))]

    answers = [await store.append(session.id, batch, predecessor=Position(1, 1, 1, 4)) for _ in range(3)]

    assert answers == ["appended"] * 3
    assert len(await kept(valkey, session)) == 5
    await speaker.writer.aclose()


async def test_a_stream_of_another_past_is_dropped(session: Session, valkey: Valkey) -> None:
    # PostgreSQL was restored to an earlier day: the stream knows turns that no longer are.
    await valkey.call("XADD", key(session), f"{9 * 65536 + 65}-1", "k", "c", "p", "{}")
    speaker = await session.speaker()
    await speaker.say_apart("a")
    assert await speaker.finish()

    assert {event_id.split("-")[0] for event_id, _ in await kept(valkey, session)} == {"65603"}


async def test_what_is_kept_is_bounded_and_expires(valkey: Valkey, engine: tuple[Valkey, EventLog]) -> None:
    events = EventLog(
        valkey, events_kept=4, kept_seconds=100, trims_exactly=True, subscriptions=engine[1].subscriptions
    )
    session = Session(events, asyncio.Event())
    speaker = await session.speaker()
    await speaker.say_apart("a", "b", "c")
    assert await speaker.finish()

    assert len(await kept(valkey, session)) == 4
    assert 90 < await valkey.call("TTL", key(session)) <= 100


async def test_what_is_kept_is_bounded_in_bytes_too(valkey: Valkey, engine: tuple[Valkey, EventLog]) -> None:
    bytes_max = 64 * 1024
    events = EventLog(valkey, kept_bytes=bytes_max, subscriptions=engine[1].subscriptions)
    session = Session(events, asyncio.Event())
    speaker = await session.speaker()
    for _ in range(300):
        await speaker.say_apart("x" * 1000)
    assert await speaker.finish()

    weight = await valkey.call("MEMORY", "USAGE", key(session))
    assert bytes_max / 4 < weight < bytes_max * 2
    # What is kept is the end, without a hole.
    numbers = [int(event_id.split("-")[1]) for event_id, _ in await kept(valkey, session)]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


async def test_a_store_that_is_full_is_waited_for() -> None:
    with running_valkey() as server:
        async with opened(server.url) as (valkey, events):
            session = Session(events, asyncio.Event())
            speaker = await session.speaker()
            await speaker.say_apart("a")
            await valkey.call("CONFIG", "SET", "maxmemory", 1)
            speaker.say("b")
            assert not await speaker.writer.flush(0.3)
            await valkey.call("CONFIG", "SET", "maxmemory", 0)
            speaker.say("c")
            assert await speaker.finish()
            assert session.ledger.turns[1].claim == 1


async def test_trimming_does_not_disturb_the_writer(session: Session, valkey: Valkey) -> None:
    speaker = await session.speaker()
    await speaker.say_apart("a", "b")
    await trim(valkey, session, 1)
    await speaker.say_apart("c")
    assert await speaker.finish()
    assert session.ledger.turns[1].claim == 1


async def test_a_burst_is_appended_in_order_whatever_its_size(session: Session, valkey: Valkey) -> None:
    speaker = await session.speaker()
    parts = [speaker.writer.part_id("text") for _ in range(2)]
    for number in range(1000):
        speaker.writer.write(envelope.text_delta(parts[number % 2], f"{number} "))
    assert await speaker.finish()

    text = "".join(chunk.get("delta", "") for _, chunk in await kept(valkey, session))
    assert text.split() == [str(number) for number in range(1000)]


async def test_a_bug_in_the_claim_reaches_the_speaker(session: Session, valkey: Valkey) -> None:
    speaker = await session.speaker()
    await speaker.say_apart("a")
    await forget(valkey, session)

    async def broken() -> int:
        raise ZeroDivisionError

    speaker.writer._next_claim = broken
    speaker.say("b")
    with pytest.raises(ZeroDivisionError):
        await speaker.writer.flush(2)
    await speaker.writer.aclose()


async def test_a_segments_first_event_names_the_last_of_the_segment_before(
    session: Session, valkey: Valkey
) -> None:
    speaker = await session.speaker()
    await speaker.settle(is_calls=True)
    end = session.ledger.turns[1].after
    subscription = await session.events.subscriptions.subscribe(session.id)
    speaker.answer("call_a", "1")
    await speaker.settle()
    assert await speaker.finish()
    await session.events.subscriptions.drain()

    page = await session.events.read_on(session.id, None)
    published = subscription.take()
    subscription.close()
    assert end == Position(1, 1, 1, 4)
    assert [str(entry.after) for entry in page.entries if entry.position.is_first] == [
        "None",
        str(end),
        str(Position(1, 2, 1, 2)),
    ]
    assert [entry for entry in page.entries if entry.position > end] == published
    assert all(
        entry.frame.startswith(b"id: %s\ndata: {" % str(entry.position).encode()) for entry in published
    )


async def test_a_segment_that_says_nothing_has_a_first_event_all_the_same(
    session: Session, valkey: Valkey
) -> None:
    turn = session.ledger.queue()
    turn.is_calls = True
    speaker = await session.speaker(turn)
    await speaker.writer.flush(2)

    assert speaker.writer.position.n == 1
    assert [chunk for _, chunk in await kept(valkey, session)] == [
        {"type": "message-metadata", "messageMetadata": {}}
    ]
    await speaker.writer.aclose()


async def test_a_later_segment_begun_anew_names_its_own_step_and_parts(
    session: Session, valkey: Valkey
) -> None:
    speaker = await session.speaker()
    await speaker.settle(is_calls=True)
    await speaker.settle()
    await speaker.say_apart("old")
    await speaker.writer.aclose()
    speaker = await session.speaker(speaker.turn)
    assert await speaker.finish()

    anew = [
        (event_id, chunk) for event_id, chunk in await kept(valkey, session) if "restarted" in chunk["type"]
    ]
    assert anew == [
        (
            str(Position(1, 3, 2, 1)),
            {
                "type": "data-turn-restarted",
                "data": {"segment": 3, "step": 2, "part_ids": ["text-3-1-1"]},
            },
        )
    ]


async def test_calls_that_are_answered_anew_discard_nothing(session: Session, valkey: Valkey) -> None:
    speaker = await session.speaker()
    await speaker.settle(is_calls=True)
    speaker.answer("call_a", "1")
    await speaker.writer.flush(2)
    await speaker.writer.aclose()
    # The outcome is stored, so whoever takes over writes it again.
    speaker = await session.speaker(speaker.turn)
    await speaker.settle()
    assert await speaker.finish()

    types = [
        chunk["type"] for event_id, chunk in await kept(valkey, session) if event_id.startswith("65666-")
    ]
    assert types == ["tool-output-available", "finish-step"]


@pytest.mark.parametrize("claims_max", [1, 62])
async def test_a_writer_without_a_claim_left_goes_on_mute(
    session: Session, valkey: Valkey, claims_max: int
) -> None:
    speaker = await session.speaker()
    speaker.turn.claims_max = claims_max
    for word in "abcdefghij":
        speaker.say(word)
        await speaker.writer.flush(2)
        await forget(valkey, session)
    speaker.say("k")

    assert not await speaker.writer.flush(2)
    assert speaker.turn.claim == min(claims_max, 9)
    position = speaker.writer.position
    assert not await speaker.finish()
    assert speaker.writer.position == position
    assert speaker.turn.text == "abcdefghijk"


async def test_who_writes_too_much_goes_on_mute_and_no_reader_takes_what_it_has_for_the_whole(
    session: Session, valkey: Valkey
) -> None:
    speaker = await session.speaker()
    for _ in range(CHARACTERS_MAX // MIB):
        await speaker.say_apart("x" * MIB)
    last_kept = (await kept(valkey, session))[-1][0]
    speaker.say("y")

    assert not await speaker.writer.flush(2)
    assert str(speaker.writer.position) == str(Position.of_id(last_kept).following)
    assert not await speaker.finish()
    client = await session.read(last_kept)
    assert client.resets == ["lost"]
    assert client.text == speaker.turn.text
