"""What people say and what opens doors stays out of logs and of Temporal."""

import asyncio
from pathlib import Path

import pytest

from support.client import SESSIONS, Client
from support.rows import Rows
from support.server import Server

CANARY = "canary-7f3a-said-in-confidence"


async def test_c9_no_word_and_no_key_is_in_a_log(client: Client, rows: Rows, server: Server) -> None:
    for model in ("scripted:echo", "scripted:status=400", "scripted:tool_call"):
        session = await client.open(agent_id=await rows.agent(model), title=CANARY)
        accepted = await client.say(session, CANARY, client_message_id=CANARY)
        await client.events(session, accepted["since_cursor"])
        await client.post(session, CANARY * 10_000, client_message_id=CANARY)
        await client.http.get(f"{SESSIONS}/{session}/events", params={"since": CANARY})
        # Who puts a key into an address, or into a header that is logged elsewhere, finds it in no log of ours.
        await client.http.get(SESSIONS, params={"key": server.api_key}, headers={"referer": server.api_key})
        await client.http.get(f"{SESSIONS}/{server.api_key}/{CANARY}")

    written = [*(server.data / "logs").iterdir(), *server.data.glob("temporal-*")]

    assert len(written) > 4
    for file in written:
        found = await asyncio.to_thread(Path.read_bytes, file)
        assert CANARY.encode() not in found, file
        assert server.api_key.encode() not in found, file


async def test_a_bug_is_a_500_that_shows_nothing_and_is_told_to_the_log(
    client: Client, rows: Rows, server: Server
) -> None:
    session = await client.open()
    async with rows.owner.without_tenant() as owner:
        await owner.exec_driver_sql("ALTER TABLE chat_messages RENAME COLUMN parts TO parts_away")
    try:
        answer = await client.post(session, CANARY)
    finally:
        async with rows.owner.without_tenant() as owner:
            await owner.exec_driver_sql("ALTER TABLE chat_messages RENAME COLUMN parts_away TO parts")

    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal_error")
    assert "parts" not in answer.text
    request_id = answer.json()["meta"]["request_id"]
    assert request_id == answer.headers["x-request-id"]
    log = (server.data / "logs" / "server.log").read_text()
    assert any(request_id in line and "request_broke" in line for line in log.splitlines())
    assert CANARY not in log
    assert (await client.messages(session))["messages"] == []


@pytest.mark.parametrize("path", ["/docs", "/docs/assets/swagger-ui-bundle.js", "/llms.txt"])
async def test_the_reference_works_without_internet(client: Client, path: str) -> None:
    answer = await client.http.get(path)

    assert answer.status_code == 200
    assert "https://cdn" not in answer.text[:5000]
    assert "x-request-id" in answer.headers
