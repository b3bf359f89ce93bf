"""What an end user's session token is shown of an answer: its text, and never the model, its price, or its tools."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import text

from contract.door_table import DOORS
from neo.events.entry import stream_key
from neo.streams import Valkey
from support.client import SESSIONS, Client, read_events
from support.people import People
from support.rows import Rows
from support.server import Server
from support.uploads import ask_grant

MODEL = "scripted:reasoning=2,tokens=2,tool=gated+telltale,unquoted"
# Each is in what an API key is shown of the same turn.
PRICE = "98765.4321"
WORDS = (PRICE, "scripted", "unquoted", "telltale", "gated", "dynamic-tool", "tool-", "reasoning-delta")
DOOR = "/public-api/scripted-model/calls"
COST = text("UPDATE chat_turns SET cost = :cost WHERE id = :id")
BROKEN = "scripted:status=400,tool=telltale"
SESSION = re.compile(r"sessions/[0-9a-f-]{36}")
TURN = re.compile(r"turns/[0-9a-f-]{36}")


@dataclass
class Heard:
    """Everything that a client was sent: each answer's headers and whole body."""

    answers: list[tuple[int, bytes]] = field(default_factory=list)
    doors: set[tuple[str, str]] = field(default_factory=set)

    async def __call__(self, response: httpx2.Response) -> None:
        body = await response.aread()
        head = b"\n".join(name + b": " + value for name, value in response.headers.raw)
        self.answers.append((response.status_code, head + b"\n\n" + body))
        path = TURN.sub("turns/{turn_id}", SESSION.sub("sessions/{session_id}", response.request.url.path))
        self.doors.add((response.request.method.lower(), path))

    def words(self) -> set[str]:
        return {word for word in WORDS for _, heard in self.answers if word.encode() in heard.lower()}

    def statuses(self) -> list[int]:
        return [status for status, _ in self.answers]


@dataclass
class View:
    """A session, one reader's client of it, and what that client has heard."""

    account: Client
    reader: Client
    session: str
    heard: Heard
    rows: Rows

    async def tail(self, since: str) -> list[Any]:
        response = await self.reader.http.get(f"{SESSIONS}/{self.session}/events", params={"since": since})
        return [event async for event in read_events(response)]

    async def reread(self) -> None:
        for path in ("", "/messages"):
            assert (await self.reader.http.get(f"{SESSIONS}/{self.session}{path}")).status_code == 200

    async def cost(self, turn_id: str) -> None:
        """Let the turn have cost this."""
        async with self.rows.owner.without_tenant() as owner:
            await owner.execute(COST, {"id": UUID(turn_id), "cost": Decimal(PRICE)})

    async def decide(self, calls: list[str]) -> None:
        for call_id in calls:
            decided = await self.account.http.post(f"{DOOR}/{call_id}", json={"decision": "APPROVED"})
            assert decided.status_code == 200


@pytest.fixture
async def valkey(server: Server) -> AsyncIterator[Valkey]:
    valkey = Valkey(server.addresses.redis_url)
    yield valkey
    await valkey.aclose()


async def view_of(account: Client, people: People, rows: Rows, model: str, *, whole: bool) -> View:
    """As an end user's token is shown it, or as an API key is."""
    session, heard = await account.open(agent_id=await rows.agent(model)), Heard()
    minted = await account.http.post("/public-api/sessions", json={"session_id": session})
    key = account.http.headers["authorization"].removeprefix("Bearer ")
    reader = people.client(key if whole else minted.json()["data"]["token"])
    reader.http.event_hooks = {"response": [heard]}
    return View(account, reader, session, heard, rows)


async def a_turn_with_tools(view: View, valkey: Valkey) -> None:
    """Live, while it waits, from where it waits, replayed, read again, stopped."""
    said = await view.reader.say(view.session, "Hello", client_message_id="once")
    waits = (await view.tail(said["since_cursor"]))[-1]
    assert waits.type == "data-turn-waiting"
    await view.reread()
    goes_on = asyncio.create_task(view.tail(waits.id))
    await view.decide(waits.chunk["data"]["calls"])
    assert (await goes_on)[-1].type == "finish"
    await view.cost(said["chat_turn_id"])
    await valkey.call("DEL", stream_key(UUID(view.session)))
    replayed = await view.tail(said["since_cursor"])
    assert [event.chunk["delta"] for event in replayed if event.type == "text-delta"] == ["w1 w2 ", "w1 w2 "]
    await view.reread()
    stopped = await view.reader.http.post(f"{SESSIONS}/{view.session}/turns/{said['chat_turn_id']}/cancel")
    assert stopped.json()["data"]["status"] == "COMPLETED"


async def what_is_refused(view: View) -> None:
    for body in ({"message": "Hello", "client_message_id": "once"}, {"message": ""}, {"message": 1}):
        await view.reader.http.post(f"{SESSIONS}/{view.session}/messages", json=body)
    await view.reader.http.post(
        f"{SESSIONS}/{view.session}/messages", json={"message": "x", "model_tier": "SMART"}
    )
    await view.reader.http.get(f"{SESSIONS}/{view.session}/events", params={"since": "x"})
    await view.reader.http.get("/public-api/agents")
    await ask_grant(view.reader, view.session)


async def test_an_end_user_hears_nothing_of_models_prices_and_tools(
    client: Client, people: People, rows: Rows, valkey: Valkey
) -> None:
    view = await view_of(client, people, rows, MODEL, whole=False)

    await a_turn_with_tools(view, valkey)
    await what_is_refused(view)

    assert view.heard.words() == set()
    assert view.heard.statuses().count(403) == 2
    assert view.heard.doors >= {door for door, callers in DOORS.items() if "token" in callers}


async def test_an_api_key_is_shown_all_of_it(
    client: Client, people: People, rows: Rows, valkey: Valkey
) -> None:
    view = await view_of(client, people, rows, MODEL, whole=True)

    await a_turn_with_tools(view, valkey)

    assert view.heard.words() == set(WORDS)


async def test_why_a_turn_failed_names_no_model(client: Client, people: People, rows: Rows) -> None:
    view = await view_of(client, people, rows, BROKEN, whole=False)

    said = await view.reader.say(view.session, "Hello")
    failed = await view.tail(said["since_cursor"])
    await view.reread()

    assert failed[-1].chunk["errorText"].startswith("provider_rejected: ")
    assert view.heard.words() == set()
