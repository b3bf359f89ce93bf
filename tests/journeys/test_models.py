"""What a model's provider does, good or bad, becomes an answer or a failed turn with a stable code."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from support.client import Client, reply_of, text_of
from support.rows import Rows


async def asked(
    client: Client, rows: Rows, model: str
) -> tuple[str, dict[str, Any], list[Any], dict[str, Any]]:
    session = await client.open(agent_id=await rows.agent(model))
    accepted = await client.say(session, "Hello")
    events = await client.events(session, accepted["since_cursor"])
    return session, accepted, events, await client.ended(session, accepted["chat_turn_id"])


@pytest.mark.parametrize("dialect", ["scripted", "scripted-chat", "scripted-anthropic"])
async def test_every_dialect_is_spoken(client: Client, rows: Rows, dialect: str) -> None:
    _, _, events, turn = await asked(client, rows, f"{dialect}:tokens=3")

    assert text_of(events) == "w1 w2 w3 "
    assert (turn["status"], turn["usage"]["provider"]) == ("COMPLETED", dialect)
    assert turn["usage"]["output_tokens"] == 3


@pytest.mark.parametrize(
    ("scenario", "code"),
    [
        ("status=429,retry_after=1", "provider_rate_limited"),
        ("status=500", "provider_unavailable"),
        ("status=400", "provider_rejected"),
        ("status=401", "provider_misconfigured"),
        ("half=3", "provider_incomplete"),
    ],
)
async def test_a_provider_that_fails_is_a_failed_turn(
    client: Client, rows: Rows, scenario: str, code: str
) -> None:
    session, accepted, events, turn = await asked(client, rows, f"scripted:{scenario}")

    assert (turn["status"], turn["error"]["code"]) == ("FAILED", code)
    assert [event.type for event in events].count("error") == 1
    assert events[-1].chunk["errorText"].startswith(f"{code}: ")
    assert reply_of(await client.messages(session), accepted["chat_turn_id"]) is None
    assert turn["attempts"] == (1 if code in ("provider_rejected", "provider_misconfigured") else 3)


async def test_reasoning_is_told_and_kept_apart_from_the_text(client: Client, rows: Rows) -> None:
    session, _, events, _ = await asked(client, rows, "scripted:reasoning=3,tokens=2")

    types = [event.type for event in events]
    assert types.index("reasoning-start") < types.index("reasoning-end") < types.index("text-start")
    assert text_of(events) == "w1 w2 "
    parts = (await client.messages(session))["messages"][1]["parts"]
    assert [part["type"] for part in parts] == ["step-start", "reasoning", "text"]


async def test_a_model_that_asks_for_a_tool_that_is_not_there_is_told_twice(
    client: Client, rows: Rows
) -> None:
    _, _, events, turn = await asked(client, rows, "scripted:tool_call")

    types = [event.type for event in events]
    assert (types.count("tool-input-error"), types.count("start-step")) == (2, 3)
    assert turn["status"] == "COMPLETED"


async def test_a_second_turn_continues_the_providers_own_conversation(
    client: Client, rows: Rows, scripted: httpx2.AsyncClient
) -> None:
    key = uuid4().hex
    session = await client.open(agent_id=await rows.agent(f"scripted:recall,key={key}"))
    first = await client.say(session, "apples")
    await client.ended(session, first["chat_turn_id"])

    second = await client.say(session, "pears")
    text = text_of(await client.events(session, second["since_cursor"]))

    assert "apples" in text
    assert "pears" in text
    turn = await client.turn(session, second["chat_turn_id"])
    assert turn["usage"]["cached_tokens"] > 0
    calls = (await scripted.get("/control/calls", params={"model": f"recall,key={key}"})).json()
    assert [call["previous_response_id"] is not None for call in _calls(calls)] == [False, True]


async def test_a_forgotten_conversation_is_sent_again_whole(client: Client, rows: Rows) -> None:
    session = await client.open(agent_id=await rows.agent("scripted:recall,forget"))
    first = await client.say(session, "apples")
    await client.ended(session, first["chat_turn_id"])

    second = await client.say(session, "pears")
    text = text_of(await client.events(session, second["since_cursor"]))

    assert "apples" in text
    assert (await client.turn(session, second["chat_turn_id"]))["attempts"] == 1


async def test_smart_is_the_smart_model(client: Client, rows: Rows) -> None:
    session = await client.open(agent_id=await rows.agent("scripted:tokens=2"))

    fast = await client.say(session, "Hello")
    smart = await client.say(session, "Hello", model_tier="SMART")

    assert (await client.ended(session, fast["chat_turn_id"]))["usage"]["model"] == "tokens=2"
    assert (await client.ended(session, smart["chat_turn_id"]))["usage"]["model"] == "tokens=5"


async def test_a_long_transcript_is_cut_to_the_models_budget(client: Client, rows: Rows) -> None:
    session = await client.open(agent_id=await rows.agent("scripted-chat:recall,budget=600"))
    for number in range(3):
        accepted = await client.say(session, f"{number} " + "word " * 200)
        await client.ended(session, accepted["chat_turn_id"])

    last = await client.say(session, "the last one")
    text = text_of(await client.events(session, last["since_cursor"]))
    turn = await client.turn(session, last["chat_turn_id"])

    assert turn["usage"]["omitted_messages"] >= 2
    assert "0 word" not in text
    assert "the last one" in text


async def test_an_answer_is_paced_by_the_model_and_shown_at_once(
    client: Client, rows: Rows, scripted: httpx2.AsyncClient
) -> None:
    gate = uuid4().hex
    session = await client.open(agent_id=await rows.agent(f"scripted:tokens=6,pause_after=3,gate={gate}"))
    accepted = await client.say(session, "Hello")

    first = await client.events(
        session, accepted["since_cursor"], until=lambda event: "w3" in str(event.chunk.get("delta"))
    )
    await scripted.post("/control/release", params={"gate": gate})
    rest = await client.events(session, last_event_id=first[-1].id)

    assert text_of([*first, *rest]) == "w1 w2 w3 w4 w5 w6 "


async def test_many_turns_at_once(client: Client, rows: Rows) -> None:
    agent_id = await rows.agent("scripted:tokens=20,delay_ms=2")

    async def one() -> str:
        session = await client.open(agent_id=agent_id)
        accepted = await client.say(session, "Hello")
        return text_of(await client.events(session, accepted["since_cursor"]))

    texts = await asyncio.gather(*(one() for _ in range(40)))

    assert set(texts) == {"".join(f"w{number} " for number in range(1, 21))}


def _calls(answer: Any) -> list[dict[str, Any]]:
    return list(answer["calls"] if isinstance(answer, dict) else answer)
