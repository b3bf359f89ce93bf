"""Messages that meet an open turn: they wait in order, or are refused, as their sender or the agent says."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from support.client import SESSIONS, Client
from support.rows import Rows

# What `NEO_TURN_QUEUE_MAX` is by itself.
QUEUE_MAX = 100
HELD = "scripted:tokens=3,pause_after=1,gate=overlap"


@pytest.fixture
async def held(client: Client, rows: Rows, scripted: object) -> AsyncIterator[tuple[str, int]]:
    """A session whose turn waits at the model's gate."""
    import httpx2

    assert isinstance(scripted, httpx2.AsyncClient)
    agent = await rows.agent(HELD)
    session = await client.open(agent_id=agent)
    accepted = await client.say(session, "First")
    await client.events(session, accepted["since_cursor"], until=lambda event: event.type == "text-delta")
    yield session, agent
    while (await client.http.get(f"{SESSIONS}/{session}")).json()["data"]["open_turn"]:
        await scripted.post("/control/release", params={"gate": "overlap"})


async def test_a_message_may_be_refused_instead_of_waiting_and_is_told_by_which_turn(
    client: Client, held: tuple[str, int]
) -> None:
    session, _ = held

    refused = await client.post(session, "Second", overlap="reject", client_message_id="one")
    queued = await client.post(session, "Second", client_message_id="one")
    repeated = await client.post(session, "Second", overlap="reject", client_message_id="one")

    error = refused.json()["error"]
    open_turn = (await client.messages(session))["open_turn"]
    names = ("chat_turn_id", "chat_turn_status", "since_cursor")
    assert (refused.status_code, error["code"]) == (409, "turn_in_progress")
    assert [error["details"][name] for name in names] == [open_turn[name] for name in names]
    assert queued.status_code == 202
    assert repeated.json()["error"]["code"] == "duplicate_client_message_id"


async def test_a_message_that_waits_is_told_what_is_answered_first(
    client: Client, held: tuple[str, int]
) -> None:
    session, _ = held

    second, third = await client.say(session, "Second"), await client.say(session, "Third")

    first = (await client.messages(session))["open_turn"]["id"]
    assert second["queued_behind"] == {"turn_id": first, "waiting_for": None, "position": 1}
    assert third["queued_behind"] == {"turn_id": first, "waiting_for": None, "position": 2}


async def test_an_agents_default_holds_where_the_message_says_nothing(
    client: Client, held: tuple[str, int]
) -> None:
    session, agent = held
    changed = await client.http.patch(f"/public-api/agents/{agent}", json={"overlap": "reject"})
    assert changed.json()["data"]["overlap"] == "reject"

    silent = await client.post(session, "Second")
    asked = await client.post(session, "Second", overlap="queue")
    wrong = await client.post(session, "Second", overlap="perhaps")

    assert [silent.status_code, asked.status_code, wrong.status_code] == [409, 202, 422]


async def test_with_no_turn_open_nothing_is_refused(client: Client) -> None:
    session = await client.open()

    accepted = await client.say(session, "Hello", overlap="reject")

    assert (await client.ended(session, accepted["chat_turn_id"]))["status"] == "COMPLETED"


async def test_the_queue_of_a_session_is_bounded(client: Client, rows: Rows) -> None:
    session = await client.open(agent_id=await rows.agent("scripted:hang_after=1"))

    answers = [await client.post(session, str(number)) for number in range(QUEUE_MAX + 2)]

    assert [answer.status_code for answer in answers] == [202] * QUEUE_MAX + [409] * 2
    assert answers[-1].json()["error"]["code"] == "turn_queue_full"
    assert answers[-1].json()["error"]["details"]["open_turns"] == QUEUE_MAX
    assert (await client.http.post(f"{SESSIONS}/{session}/reset")).status_code == 200


async def test_of_racing_messages_that_would_not_wait_one_is_taken(client: Client, rows: Rows) -> None:
    session = await client.open(agent_id=await rows.agent("scripted:hang_after=1"))

    answers = await asyncio.gather(*(client.post(session, str(n), overlap="reject") for n in range(12)))

    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 11
    assert {a.json()["error"]["code"] for a in answers if a.status_code == 409} == {"turn_in_progress"}
    roles = [message["role"] for message in (await client.messages(session))["messages"]]
    assert roles.count("user") == 1
    assert (await client.http.post(f"{SESSIONS}/{session}/reset")).status_code == 200
