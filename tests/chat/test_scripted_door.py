"""The scripted model's door: a caller decides about its own tenant's calls, each once."""

import asyncio
from typing import Any

import pytest

from support.client import SESSIONS, TAIL_SECONDS, Client
from support.rows import Rows
from support.server import Server

DOOR = "/public-api/scripted-model/calls"
# So many that some come before the turn waits.
DECISIONS = 8


async def waiting(client: Client, rows: Rows, tool: str) -> tuple[str, str, str]:
    """A session, its turn, and the call that it waits for."""
    session = await client.open(agent_id=await rows.agent(f"scripted:tokens=1,tool={tool}"))
    said = await client.say(session, "Hello")
    events = await client.events(session, said["since_cursor"])
    assert events[-1].type == "data-turn-waiting"
    [call_id] = events[-1].chunk["data"]["calls"]
    return session, str(said["chat_turn_id"]), str(call_id)


async def ended(client: Client, session: str, turn_id: str) -> dict[str, Any]:
    async with asyncio.timeout(TAIL_SECONDS):
        while (turn := await client.turn(session, turn_id))["status"] not in (
            "COMPLETED",
            "FAILED",
            "CANCELLED",
        ):
            await asyncio.sleep(0.02)
    return turn


async def refused(client: Client, call_id: str) -> str:
    answer = await client.http.post(f"{DOOR}/{call_id}", json={"decision": "APPROVED"})
    assert answer.status_code == 409, answer.text
    return str(answer.json()["error"]["code"])


@pytest.mark.parametrize(
    ("tool", "body"),
    [
        ("gated", {"decision": "APPROVED"}),
        ("gated", {"decision": "REJECTED"}),
        ("apart", {"output": {"found": 3}}),
        ("apart", {"error": "Broken."}),
    ],
)
async def test_a_turn_goes_on_once_its_call_was_decided(
    client: Client, rows: Rows, tool: str, body: dict[str, Any]
) -> None:
    session, turn_id, call_id = await waiting(client, rows, tool)

    answer = await client.http.post(f"{DOOR}/{call_id}", json=body)

    assert (answer.status_code, answer.json()["data"]) == (200, {"call_id": call_id})
    assert (await ended(client, session, turn_id))["status"] == "COMPLETED"
    assert await refused(client, call_id) == "call_not_waiting"


@pytest.mark.parametrize(
    ("tool", "told", "body"),
    [
        ("gated", "tool-approval-request", {"decision": "APPROVED"}),
        ("apart", "tool-input-available", {"output": 1}),
    ],
)
async def test_who_is_told_of_a_call_may_decide_at_once(
    client: Client, rows: Rows, tool: str, told: str, body: dict[str, Any]
) -> None:
    """Also before the turn waits: then it need not."""
    agent = await rows.agent(f"scripted:tokens=1,tool={tool}")
    for _ in range(DECISIONS):
        session = await client.open(agent_id=agent)
        said = await client.say(session, "Hello")
        events = await client.events(session, said["since_cursor"], until=lambda event: event.type == told)

        answer = await client.http.post(f"{DOOR}/{events[-1].chunk['toolCallId']}", json=body)

        assert answer.status_code == 200, answer.text
        assert (await ended(client, session, str(said["chat_turn_id"])))["status"] == "COMPLETED"


@pytest.mark.parametrize(
    "body", [{}, {"decision": "APPROVED", "output": 3}, {"outptu": 3}, {"decision": "Yes"}]
)
async def test_what_says_nothing_or_two_things_decides_nothing(
    client: Client, rows: Rows, body: dict[str, Any]
) -> None:
    session, turn_id, call_id = await waiting(client, rows, "apart")

    answer = await client.http.post(f"{DOOR}/{call_id}", json=body)

    assert answer.status_code == 422, answer.text
    assert (await client.turn(session, turn_id))["status"] == "WAITING"
    await client.http.post(f"/public-api/chat/sessions/{session}/turns/{turn_id}/cancel")


async def test_nobody_decides_about_anothers_call_or_one_that_there_is_not(
    client: Client, rows: Rows, server: Server
) -> None:
    session, turn_id, call_id = await waiting(client, rows, "gated")
    other = Client(server.url, (await rows.tenant()).api_key)

    assert await refused(other, call_id) == "call_not_waiting"
    assert await refused(client, "call_nothing") == "call_not_waiting"
    assert (await client.http.post(f"{DOOR}/call_%00", json={"decision": "APPROVED"})).status_code == 400

    assert (await client.turn(session, turn_id))["status"] == "WAITING"
    await other.http.aclose()
    await client.http.post(f"/public-api/chat/sessions/{session}/turns/{turn_id}/cancel")


async def test_a_message_behind_a_turn_that_waits_says_what_that_one_waits_for(
    client: Client, rows: Rows
) -> None:
    session, turn_id, _ = await waiting(client, rows, "gated")

    second = await client.say(session, "Anything new?")

    assert second["queued_behind"] == {"turn_id": turn_id, "waiting_for": "APPROVAL", "position": 1}
    await client.http.post(f"{SESSIONS}/{session}/archive")
