"""One message followed by its ids: in its turn's record, and through the logs of everything that touched it."""

import json
from typing import Any

from support.client import SESSIONS, Client
from support.rows import Rows
from support.server import Server

MOMENTS = ("created_at", "started_at", "first_token_at", "ended_at")


def lines_of(server: Server, some_id: str) -> list[dict[str, Any]]:
    text = (server.data / "logs" / "server.log").read_text()
    return [json.loads(line) for line in text.splitlines() if some_id in line and line.startswith("{")]


async def test_a_turns_record_is_its_whole_way(client: Client) -> None:
    session = await client.open()
    accepted = await client.say(session, "hello")

    turn = await client.ended(session, accepted["chat_turn_id"])

    moments = [turn[name] for name in MOMENTS]
    assert moments == sorted(moments)
    assert (turn["attempts"], turn["cancel_requested_at"]) == (1, None)


async def test_what_has_not_happened_has_no_time(client: Client, rows: Rows) -> None:
    session = await client.open(agent_id=await rows.agent("scripted:tokens=200,delay_ms=20"))
    running = await client.say(session, "one")
    waiting = await client.say(session, "two")
    await client.events(session, running["since_cursor"], until=lambda event: event.type == "text-delta")

    turn = await client.turn(session, waiting["chat_turn_id"])
    await client.http.post(f"{SESSIONS}/{session}/turns/{running['chat_turn_id']}/cancel")
    cancelled = await client.ended(session, running["chat_turn_id"])
    await client.http.post(f"{SESSIONS}/{session}/turns/{waiting['chat_turn_id']}/cancel")

    assert [turn[name] for name in MOMENTS[1:]] == [None, None, None]
    assert cancelled["first_token_at"] <= cancelled["cancel_requested_at"] <= cancelled["ended_at"]


async def test_the_log_leads_from_a_request_to_its_turn_and_to_its_session(
    server: Server, client: Client
) -> None:
    session = await client.open()
    answer = await client.post(session, "hello")
    turn_id = answer.json()["data"]["chat_turn_id"]
    await client.ended(session, turn_id)

    of_request = lines_of(server, answer.json()["meta"]["request_id"])
    of_turn = lines_of(server, turn_id)

    [line] = [one for one in of_request if one["event"] == "request"]
    assert (line["turn_id"], line["session_id"], line["status"]) == (turn_id, session, 202)
    assert "turn_ended" in {one["event"] for one in of_turn}
    assert {one["session_id"] for one in of_turn} == {session}
    assert all(one["turn_id"] == turn_id or "{turn_id}" in one["route"] for one in of_turn)
