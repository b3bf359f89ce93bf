"""What the clients in the field make of our stream: the Vercel AI SDK, and an EventSource."""

from typing import Any
from uuid import uuid4

import pytest

from cli.chat.played_server import answer, stage, tail
from sdk.conftest import VERSIONS, Run
from support.client import SESSIONS, Client, text_of
from support.rows import Rows
from support.server import Server
from support.ui_message import bare

# The first npm ci on a machine fetches the packages.
pytestmark = pytest.mark.timeout(180)

of_each_version = pytest.mark.parametrize("version", VERSIONS)


async def talked(run: Run, server: Server, version: str, session: str, text: str = "Hello") -> Any:
    told = await run("talk.mjs", version, server.url + SESSIONS, server.api_key, session, text)
    assert told["errors"] == []
    return told


async def stored(client: Client, session: str) -> dict[str, Any]:
    [_, reply] = (await client.messages(session))["messages"]
    return dict(reply)


@of_each_version
@pytest.mark.parametrize(
    "model", ["scripted:tokens=30", "scripted:reasoning=3,tokens=5,tool=look_up+send,rounds=2"]
)
async def test_the_sdk_makes_the_message_that_is_stored(
    run: Run, client: Client, rows: Rows, server: Server, version: str, model: str
) -> None:
    session = await client.open(agent_id=await rows.agent(model))

    told = await talked(run, server, version, session)

    reply = await stored(client, session)
    assert told["message"]["id"] == reply["id"]
    assert bare(told["message"]["parts"]) == bare(reply["parts"])
    assert told["message"]["metadata"]["usage"]["provider"] == "scripted"


@of_each_version
@pytest.mark.parametrize("in_answer", [1, 2])
async def test_a_step_that_is_begun_anew_is_cut_where_the_docs_cut_it(
    run: Run, client: Client, rows: Rows, server: Server, version: str, in_answer: int
) -> None:
    breaks = f"half=4,times=2,in_answer={in_answer},key={uuid4().hex}"
    session = await client.open(agent_id=await rows.agent(f"scripted:tokens=8,tool=look_up,{breaks}"))

    told = await talked(run, server, version, session)

    cuts = [part["data"] for part in told["message"]["parts"] if part["type"] == "data-turn-restarted"]
    assert {cut["step"] for cut in cuts} == {in_answer}
    assert bare(told["message"]["parts"]) != bare(told["counts"])
    assert bare(told["counts"]) == bare((await stored(client, session))["parts"])


@of_each_version
async def test_a_turn_that_waits_is_a_good_end_and_goes_on_when_somebody_has_decided(
    run: Run, client: Client, rows: Rows, server: Server, version: str
) -> None:
    session = await client.open(agent_id=await rows.agent("scripted:tokens=3,tool=gated+apart"))

    told = await talked(run, server, version, session)

    assert states(told["waited"]) == ["approval-requested", "input-available"]
    assert set(told["statuses"]) == {"ready"}
    assert states(told["counts"]) == ["output-available", "output-available"]
    assert (told["count"], bare(told["counts"])) == (2, bare((await stored(client, session))["parts"]))


@of_each_version
async def test_a_page_that_is_loaded_while_a_turn_waits_shows_it_and_goes_on(
    run: Run, client: Client, rows: Rows, server: Server, version: str
) -> None:
    session = await client.open(agent_id=await rows.agent("scripted:tokens=3,tool=gated+apart"))
    accepted = await client.say(session, "Hello")
    await client.events(session, accepted["since_cursor"])

    told = await talked(run, server, version, session, "")

    assert states(told["waited"]) == ["approval-requested", "input-available"]
    assert (told["count"], bare(told["counts"])) == (2, bare((await stored(client, session))["parts"]))


@of_each_version
async def test_a_failed_turn_is_an_error_to_the_sdk(
    run: Run, client: Client, rows: Rows, server: Server, version: str
) -> None:
    session = await client.open(agent_id=await rows.agent("scripted:status=400"))

    told = await run("talk.mjs", version, server.url + SESSIONS, server.api_key, session, "Hello")

    assert len(told["errors"]) == 1
    assert "provider_rejected" in told["errors"][0]


@of_each_version
@pytest.mark.parametrize("is_reset", [False, True], ids=["cut", "reset"])
async def test_a_stream_that_was_cut_is_replayed_and_nothing_is_shown_twice(
    run: Run, version: str, *, is_reset: bool
) -> None:
    def said(text: str) -> list[dict[str, Any]]:
        delta = {"type": "text-delta", "id": "t", "delta": text}
        begun = [
            {"type": "start", "messageId": "m"},
            {"type": "start-step"},
            {"type": "text-start", "id": "t"},
        ]
        return [*begun, delta]

    reset = [{"type": "data-stream-reset", "data": {"turn_no": 1, "reason": "lost"}}]
    accepted = {"data": {"chat_turn_id": "t", "since_cursor": "65536-0"}, "meta": {}}
    asked = {"id": "u", "role": "user", "parts": [{"type": "text", "text": "Hello"}]}
    shown = {"data": {"messages": [asked], "open_turn": {"since_cursor": "65536-0"}}, "meta": {}}
    acts = (
        answer(202, accepted),
        tail(*said("lost"), *(reset if is_reset else []), is_cut=not is_reset),
        answer(200, shown),
        tail(*reset, *said("kept"), {"type": "text-end", "id": "t"}, {"type": "finish"}),
    )
    with stage(*acts) as played:
        told = await run("talk.mjs", version, played.url, "key", "s", "Hello")

    assert [part["text"] for part in told["counts"] if part["type"] == "text"] == ["kept"]
    assert told["count"] == 2


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


def states(parts: list[dict[str, Any]]) -> list[str]:
    return [part["state"] for part in parts if part["type"] == "dynamic-tool"]
