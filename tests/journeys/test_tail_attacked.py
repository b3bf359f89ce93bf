"""Tails against those who would read, or go on reading, what is not theirs."""

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from sqlalchemy import text

from support.client import SESSIONS, Client, read_events, reply_of, text_of
from support.people import People
from support.rows import Rows, Tenant
from support.server import Server

# What a line-based reader could take for more than text.
NASTY = "a\nb\rc\r\n\n\nevent: x\nid: 9\nretry: 1\n\ndata: {}\n\n\u2028\u2029\x85\ufeff: no comment 漢字 🎉"
LEEWAY_SECONDS = 60


@pytest.fixture(scope="module")
async def tenant(rows: Rows) -> Tenant:
    return await rows.tenant("With tails")


@pytest.fixture
async def account(server: Server, tenant: Tenant) -> AsyncIterator[Client]:
    client = Client(server.url, tenant.api_key)
    yield client
    await client.http.aclose()


async def test_h1_whatever_is_said_is_one_event_a_chunk(account: Client, rows: Rows, tenant: Tenant) -> None:
    session = await account.open(agent_id=await rows.agent("scripted:echo", tenant_id=tenant.id))
    accepted = await account.say(session, NASTY)
    turn = accepted["chat_turn_id"]

    async with account.stream(session, accepted["since_cursor"]) as response:
        body = b"".join([piece async for piece in response.aiter_bytes()])
    events = await account.events(session, accepted["since_cursor"])

    assert NASTY in text_of(events)
    assert text_of(events) == reply_of(await account.messages(session), turn)
    assert all(event.id.split("-")[0] == events[0].id.split("-")[0] for event in events)
    # Nothing but our own fields begins a line, and no other line end is used.
    fields = {line.partition(b":")[0] for line in body.split(b"\n")}
    assert fields <= {b"id", b"data", b""}
    assert b"\r" not in body


async def test_h4_another_sessions_cursor_is_a_place_in_ones_own_and_no_more(account: Client) -> None:
    first, second = await account.open(), await account.open()
    said = [await account.say(one, f"Of {number}") for number, one in enumerate((first, second))]
    own = await account.events(first, said[0]["since_cursor"])
    others = await account.events(second, said[1]["since_cursor"])

    walked = []
    for event in others:
        async with account.stream(first, event.id) as response:
            walked += [one async for one in read_events(response)] if response.status_code == 200 else []

    message_id = next(event.chunk["messageId"] for event in own if event.type == "start")
    named = {event.chunk["messageId"] for event in walked if event.type == "start"}
    assert named <= {message_id}


@pytest.mark.parametrize("cursor", [None, "65536-0", "65537-1", "garbage"])
async def test_h4_h7_a_stolen_session_id_opens_no_tail(
    account: Client, server: Server, rows: Rows, people: People, tenant: Tenant, cursor: str | None
) -> None:
    session = await account.open()
    mine = await account.open()
    minted = await account.http.post("/public-api/sessions", json={"session_id": mine})
    _, colleague = await people.join(tenant.id, "User")
    strangers = {
        "nobody": people.client(""),
        "neighbour": people.client((await rows.tenant()).api_key),
        "colleague": colleague,
        "end user of another session": people.client(minted.json()["data"]["token"]),
        "platform": people.client((await rows.platform()).api_key),
    }
    params = {"since": cursor} if cursor else {}

    for who, stranger in strangers.items():
        async with asyncio.timeout(20):
            answers = [
                await stranger.http.get(f"{SESSIONS}/{one}/events", params=params)
                for one in (session, uuid4())
            ]
        assert {answer.status_code for answer in answers} == {401 if who == "nobody" else 404}, who
        assert answers[0].json()["error"] == answers[1].json()["error"]


async def test_b25_h8_a_tail_ends_with_the_token_that_opened_it(people: People, tenant: Tenant) -> None:
    oid, _ = await people.join(tenant.id, "User")
    ends = int(time.time()) + 4
    # Within the leeway: it has expired, and holds for three seconds more at least.
    token = await people.token(tenant.id, oid, exp=ends - LEEWAY_SECONDS, iat=1, nbf=1)
    technician = people.client(token)
    session = await technician.open()

    async with technician.stream(session, follow=True) as tail:
        async with asyncio.timeout(20):
            body = b"".join([piece async for piece in tail.aiter_bytes()])
    ended_at = time.time()
    refused = await technician.http.get(f"{SESSIONS}/{session}/events")

    assert b"retry:" in body
    assert -1 < ended_at - ends < 10
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize(
    ("lapse", "code"),
    [
        pytest.param(
            "UPDATE technicians SET is_active = false WHERE user_id = :id",
            "technician_inactive",
            id="H8-inactive",
        ),
        pytest.param("UPDATE technicians SET role = 'Viewer' WHERE user_id = :id", None, id="H8-lowered"),
    ],
)
async def test_a_tail_ends_with_the_right_that_opened_it(
    people: People, tenant: Tenant, rows: Rows, lapse: str, code: str | None
) -> None:
    oid, technician = await people.join(tenant.id, "User")
    session = await technician.open()

    async with technician.stream(session, follow=True) as tail:
        began = time.monotonic()
        async with rows.database.transaction(tenant.id) as db:
            await db.execute(text(lapse), {"id": oid})
        answer = await technician.http.get(f"{SESSIONS}/{session}")
        if code is not None:
            async with asyncio.timeout(5):
                body = b"".join([piece async for piece in tail.aiter_bytes()])

    if code is None:
        # A Viewer reads on what is their own.
        assert answer.status_code == 200
    else:
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, code)
        assert b"retry:" in body
        assert time.monotonic() - began < 5
