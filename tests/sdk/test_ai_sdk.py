"""What the clients in the field make of our stream: the Vercel AI SDK, and an EventSource."""

from uuid import uuid4

import pytest

from sdk.conftest import Run
from support.client import SESSIONS, Client, text_of
from support.rows import Rows
from support.server import Server

# The first npm ci on a machine fetches the packages.
pytestmark = pytest.mark.timeout(180)


@pytest.mark.parametrize(
    "model", ["scripted:tokens=30", "scripted:reasoning=3,tokens=5", "scripted:tool_call"]
)
async def test_the_sdk_makes_the_message_that_is_stored(
    run: Run, client: Client, rows: Rows, server: Server, model: str
) -> None:
    session = await client.open(agent_id=await rows.agent(model))

    told = await run("talk.mjs", server.url + SESSIONS, server.api_key, session, "Hello")

    stored = (await client.messages(session))["messages"][1]
    assert told["errors"] == []
    assert told["message"]["id"] == stored["id"]
    assert [_bare(part) for part in told["message"]["parts"]] == [_bare(part) for part in stored["parts"]]
    assert told["message"]["metadata"]["usage"]["provider"] == "scripted"


async def test_a_turn_begun_again_is_cut_where_the_docs_cut_it(
    run: Run, client: Client, rows: Rows, server: Server
) -> None:
    model = f"scripted:tokens=8,half=4,times=1,key={uuid4().hex}"
    session = await client.open(agent_id=await rows.agent(model))

    told = await run("talk.mjs", server.url + SESSIONS, server.api_key, session, "Hello")

    stored = (await client.messages(session))["messages"][1]
    assert any(part["type"] == "data-turn-restarted" for part in told["message"]["parts"])
    assert [_bare(part) for part in told["counts"]] == [_bare(part) for part in stored["parts"]]


async def test_a_failed_turn_is_an_error_to_the_sdk(
    run: Run, client: Client, rows: Rows, server: Server
) -> None:
    session = await client.open(agent_id=await rows.agent("scripted:status=400"))

    told = await run("talk.mjs", server.url + SESSIONS, server.api_key, session, "Hello")

    assert len(told["errors"]) == 1
    assert "provider_rejected" in told["errors"][0]


async def test_an_event_source_resumes_after_every_cut_and_stops_at_204(
    run: Run, client: Client, rows: Rows, server: Server
) -> None:
    session = await client.open(agent_id=await rows.agent("scripted:tokens=40,delay_ms=30"))
    accepted = await client.say(session, "Hello")
    url = f"{server.url}{SESSIONS}/{session}/events?since={accepted['since_cursor']}"

    heard = await run("listen.mjs", url, server.api_key, "15")

    whole = await client.events(session, accepted["since_cursor"])
    assert heard["code"] == 204
    assert heard["requests"] >= 2
    assert [event["id"] for event in heard["seen"]] == [event.id for event in whole]
    assert "".join(event["chunk"].get("delta", "") for event in heard["seen"]) == text_of(whole)


def _bare(part: dict[str, object]) -> dict[str, object]:
    return {name: part[name] for name in ("type", "text", "toolCallId", "input", "errorText") if name in part}
