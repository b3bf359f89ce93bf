"""Stop buttons that stop: running turns, queued ones, whole sessions, and races with the end."""

import asyncio
import time
from typing import Any

import httpx2
import pytest

from support.client import SESSIONS, Client, reply_of, text_of
from support.rows import Rows

# Twelve seconds, which no test waits for.
SLOW = "scripted:tokens=600,delay_ms=20"
LONG_BEFORE_ITS_END_SECONDS = 6
# What else the machine does may keep an answer from stopping within its second once.
TRIES = 3


@pytest.fixture(scope="module")
async def slow(rows: Rows) -> int:
    return await rows.agent(SLOW)


async def cancel(client: Client, session: str, turn: str) -> dict[str, Any]:
    answer = await client.http.post(f"{SESSIONS}/{session}/turns/{turn}/cancel")
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["data"])


async def talking(client: Client, session: str, message: str = "Count") -> dict[str, Any]:
    """A turn that has said its first words."""
    accepted = await client.say(session, message)
    await client.events(session, accepted["since_cursor"], until=lambda event: event.type == "text-delta")
    return accepted


async def test_a_running_answer_stops_within_a_second(client: Client, slow: int) -> None:
    took = [await seconds_to_stop(client, await client.open(agent_id=slow)) for _ in range(TRIES)]

    assert min(took) < 1


async def seconds_to_stop(client: Client, session: str) -> float:
    accepted = await talking(client, session)
    tail = asyncio.create_task(client.events(session, accepted["since_cursor"]))
    began = time.monotonic()
    await cancel(client, session, accepted["chat_turn_id"])
    await tail
    return time.monotonic() - began


async def test_a_running_answer_that_is_stopped_keeps_what_it_had_said(client: Client, slow: int) -> None:
    session = await client.open(agent_id=slow)
    accepted = await talking(client, session)
    tail = asyncio.create_task(client.events(session, accepted["since_cursor"]))

    await cancel(client, session, accepted["chat_turn_id"])
    events = await tail

    turn = await client.turn(session, accepted["chat_turn_id"])
    messages = await client.messages(session)
    assert [event.type for event in events if event.type in ("finish", "error", "abort")] == ["abort"]
    assert (turn["status"], turn["finish_reason"]) == ("CANCELLED", "cancelled")
    assert reply_of(messages, accepted["chat_turn_id"]) == text_of(events) != ""
    assert messages["messages"][-1]["metadata"]["chat_turn_status"] == "CANCELLED"
    assert messages["messages"][-1]["id"] == turn["reply_message_id"]
    assert messages["open_turn"] is None


async def test_the_providers_stream_is_closed(
    client: Client, slow: int, scripted: httpx2.AsyncClient
) -> None:
    session = await client.open(agent_id=slow)
    accepted = await talking(client, session, "Close me")
    await cancel(client, session, accepted["chat_turn_id"])
    await client.ended(session, accepted["chat_turn_id"])

    async with asyncio.timeout(LONG_BEFORE_ITS_END_SECONDS):
        while not (await call_of(scripted, "Close me"))["disconnected"]:
            await asyncio.sleep(0.02)


async def test_a_queued_turn_vanishes_and_what_was_stopped_is_told_as_far_as_it_went(
    client: Client, rows: Rows, scripted: httpx2.AsyncClient
) -> None:
    session = await client.open(agent_id=await rows.agent("scripted:recall,delay_ms=20"))
    first = await talking(client, session, "One " * 100)
    second = await client.say(session, "Never mind this")
    third = await client.say(session, "But this")
    followed = asyncio.create_task(client.events(session, second["since_cursor"]))

    vanished = await cancel(client, session, second["chat_turn_id"])
    await cancel(client, session, first["chat_turn_id"])
    ended = await client.ended(session, third["chat_turn_id"])

    assert (vanished["status"], vanished["attempts"], vanished["reply_message_id"]) == ("CANCELLED", 0, None)
    assert [event.type for event in await followed][-1] == "abort"
    assert ended["status"] == "COMPLETED"
    told = reply_of(await client.messages(session), third["chat_turn_id"]) or ""
    assert "One One" in told
    assert told.rstrip().endswith("But this")
    assert "Never mind" not in told
    # The stopped question, as much of its answer as there was, and the new question.
    call = await call_of(scripted, "But this")
    assert (call["input_messages"], call["previous_response_id"]) == (3, None)


async def test_cancelling_what_has_ended_changes_nothing(client: Client) -> None:
    session = await client.open()
    accepted = await client.say(session, "Hello")
    before = await client.ended(session, accepted["chat_turn_id"])

    twice = [await cancel(client, session, accepted["chat_turn_id"]) for _ in range(2)]

    assert twice == [{**before, "unsettled_calls": []}] * 2


async def test_a_cancel_racing_the_end_has_one_outcome(client: Client, rows: Rows) -> None:
    agent = await rows.agent("scripted:tokens=3")
    outcomes = set()
    for milliseconds in range(25):
        session = await client.open(agent_id=agent)
        accepted = await client.say(session, "Race")
        tail = asyncio.create_task(client.events(session, accepted["since_cursor"]))
        await asyncio.sleep(0.001 * milliseconds)
        shown = await cancel(client, session, accepted["chat_turn_id"])
        events = await tail
        turn = await client.ended(session, accepted["chat_turn_id"])
        ends = [event.type for event in events if event.type in ("finish", "error", "abort")]
        assert ends == [{"COMPLETED": "finish", "CANCELLED": "abort"}[turn["status"]]]
        # What was answered as accepted holds: only a turn that had ended may have another end.
        assert turn["status"] == "CANCELLED" or shown["status"] == "COMPLETED"
        outcomes.add(turn["status"])
    assert "CANCELLED" in outcomes


@pytest.mark.parametrize("way", ["reset", "archive"])
async def test_a_reset_or_an_archive_stops_everything_and_always_answers(
    client: Client, slow: int, way: str
) -> None:
    session = await client.open(agent_id=slow)
    first = await talking(client, session)
    second = await client.say(session, "Later")

    began = time.monotonic()
    answers = [await client.http.post(f"{SESSIONS}/{session}/{way}") for _ in range(2)]
    ended = [await client.ended(session, one["chat_turn_id"]) for one in (first, second)]
    took = time.monotonic() - began
    refused = await client.post(session, "Hello?")

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json()["data"]["archived_at"] == answers[1].json()["data"]["archived_at"] is not None
    assert [turn["status"] for turn in ended] == ["CANCELLED", "CANCELLED"]
    assert took < LONG_BEFORE_ITS_END_SECONDS
    assert refused.json()["error"]["code"] == "session_archived"


async def call_of(scripted: httpx2.AsyncClient, message: str) -> dict[str, Any]:
    """The model server's record of the call with this message."""
    calls = (await scripted.get("/control/calls")).json()["calls"]
    return dict(next(call for call in reversed(calls) if call["text"].strip() == message))
