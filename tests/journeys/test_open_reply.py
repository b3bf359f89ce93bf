"""A client with its own state shows what an open turn has settled, and goes on from there."""

import asyncio
from typing import Any
from uuid import UUID

from sqlalchemy import text

from support.client import Client, Event
from support.rows import Rows
from support.server import Server
from support.ui_message import bare, folded

DOOR = "/public-api/scripted-model/calls"
# The moment in which a turn ends is short: so many looks at once, at so many turns.
LOOKS = 4
SESSIONS_WATCHED = 20


async def open_reply(client: Client, session: str) -> dict[str, Any]:
    open_turn = (await client.messages(session))["open_turn"]
    return dict(open_turn["reply"])


async def decide(client: Client, event: Event) -> None:
    """Let everything go on that the turn waits for."""
    for call_id in event.chunk["data"]["calls"]:
        for decision in ({"decision": "REJECTED"}, {"output": "made"}):
            await client.http.post(f"{DOOR}/{call_id}", json=decision)


async def waiting(client: Client, rows: Rows) -> tuple[str, dict[str, Any], list[Event]]:
    session = await client.open(agent_id=await rows.agent("scripted:tokens=3,tool=look_up+gated+apart"))
    accepted = await client.say(session, "Hello")
    before = await client.events(session, accepted["since_cursor"])
    assert before[-1].type == "data-turn-waiting"
    return session, accepted, before


async def goes_on(client: Client, session: str, since: str, waits: Event) -> list[Event]:
    """A tail's events, when what the turn waits for is decided after it was opened."""
    async with client.stream(session, since) as response:
        assert response.status_code == 200
        await decide(client, waits)
        await response.aread()
    return await client.events(session, since)


async def check_is_whole(client: Client, session: str, reply: dict[str, Any], after: list[Event]) -> None:
    assert after[-1].type == "finish"
    assert not {"start", "data-stream-reset"} & {event.type for event in after}
    stored = (await client.messages(session))["messages"][1]
    assert (reply["id"], bare(folded(after, reply["parts"]))) == (stored["id"], bare(stored["parts"]))


async def test_a_reply_ends_where_its_turn_began_to_wait(client: Client, rows: Rows) -> None:
    session, _, before = await waiting(client, rows)

    reply = await open_reply(client, session)

    assert (reply["cursor"], bare(reply["parts"])) == (before[-1].id, bare(folded(before)))
    after = await goes_on(client, session, reply["cursor"], before[-1])
    await check_is_whole(client, session, reply, after)


async def test_a_reply_ends_where_what_is_settled_ends(client: Client, rows: Rows, scripted: Any) -> None:
    model = "scripted:tokens=6,tool=look_up,in_answer=2,pause_after=3,gate=open-reply"
    session = await client.open(agent_id=await rows.agent(model))
    accepted = await client.say(session, "Hello")
    before = await client.events(
        session, accepted["since_cursor"], until=lambda event: event.chunk.get("delta", "").startswith("got")
    )

    reply = await open_reply(client, session)
    await scripted.post("/control/release", params={"gate": "open-reply"})

    settled = [event.id for event in before].index(reply["cursor"]) + 1
    assert bare(reply["parts"]) == bare(folded(before[:settled]))
    assert [event.type for event in before[settled:]] == ["start-step", "text-start", "text-delta"]
    await check_is_whole(client, session, reply, await client.events(session, reply["cursor"]))


async def test_a_reply_that_nobody_streamed_has_a_cursor_too(
    client: Client, rows: Rows, server: Server
) -> None:
    session, accepted, before = await waiting(client, rows)
    async with rows.owner.transaction(UUID(server.tenant_id)) as db:
        unstreamed = "UPDATE turn_segments SET last_n = NULL WHERE turn_id = :id"
        await db.execute(text(unstreamed), {"id": accepted["chat_turn_id"]})

    reply = await open_reply(client, session)

    assert reply["cursor"] != before[-1].id
    after = await goes_on(client, session, reply["cursor"], before[-1])
    await check_is_whole(client, session, reply, after)


async def test_what_a_sessions_tails_hide_is_in_no_reply_and_in_no_transcript(
    client: Client, rows: Rows, server: Server
) -> None:
    session = await client.open(agent_id=await rows.agent("scripted:tokens=3,tool=look_up+gated+apart"))
    async with rows.owner.transaction(UUID(server.tenant_id)) as db:
        hides = "UPDATE chat_sessions SET show_agent_progress_steps = false WHERE id = :id"
        await db.execute(text(hides), {"id": session})
    accepted = await client.say(session, "Hello")
    before = await client.events(session, accepted["since_cursor"])

    reply = await open_reply(client, session)

    assert bare(reply["parts"]) == bare(folded(before))
    after = await goes_on(client, session, reply["cursor"], before[-1])
    await check_is_whole(client, session, reply, after)
    assert "dynamic-tool" not in str(await client.messages(session))


async def test_an_answer_is_open_or_in_the_transcript_at_every_moment(client: Client, rows: Rows) -> None:
    """And never both: a client that replays the open turn would show it twice."""
    agent = await rows.agent("scripted:tokens=1")

    async def look(session: str) -> bool:
        shown = await client.messages(session)
        has_reply = bool(shown["messages"][-1]["role"] == "assistant")
        assert has_reply == (shown["open_turn"] is None)
        return has_reply

    async def watch() -> None:
        session = await client.open(agent_id=agent)
        await client.say(session, "Hello")
        while not all(await asyncio.gather(*(look(session) for _ in range(LOOKS)))):
            pass

    await asyncio.gather(*(watch() for _ in range(SESSIONS_WATCHED)))
