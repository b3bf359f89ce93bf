"""A client that speaks the public API and nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from neo.cli.chat.sse import EventParser

SESSIONS = "/public-api/chat/sessions"
TAIL_SECONDS = 30
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Event:
    id: str
    chunk: dict[str, Any]

    @property
    def type(self) -> str:
        return str(self.chunk["type"])


class Client:
    def __init__(self, url: str, api_key: str, transport: httpx2.AsyncHTTPTransport | None = None) -> None:
        headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
        # To read the authorities' certificates takes longer than most tests.
        is_encrypted = url.startswith("https:")
        self.http = httpx2.AsyncClient(
            base_url=url,
            headers=headers,
            timeout=30,
            trust_env=False,
            transport=transport,
            verify=is_encrypted,
        )

    async def open(self, **body: Any) -> str:
        answer = await self.http.post(SESSIONS, json=body or {"managed_agent_key": "NEO_SUPPORT"})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["data"]["id"])

    async def post(self, session_id: str, message: str, **body: Any) -> httpx2.Response:
        return await self.http.post(f"{SESSIONS}/{session_id}/messages", json={"message": message, **body})

    async def say(self, session_id: str, message: str, **body: Any) -> dict[str, Any]:
        answer = await self.post(session_id, message, **body)
        assert answer.status_code == 202, answer.text
        return dict(answer.json()["data"])

    @asynccontextmanager
    async def stream(
        self,
        session_id: str,
        since: str | None = None,
        *,
        follow: bool = False,
        last_event_id: str | None = None,
    ) -> AsyncIterator[httpx2.Response]:
        params = {**({"since": since} if since else {}), **({"follow": "true"} if follow else {})}
        headers = {"last-event-id": last_event_id} if last_event_id else {}
        url = f"{SESSIONS}/{session_id}/events"
        async with self.http.stream("GET", url, params=params, headers=headers) as response:
            yield response

    async def events(
        self,
        session_id: str,
        since: str | None = None,
        *,
        last_event_id: str | None = None,
        until: Callable[[Event], bool] = lambda _: False,
    ) -> list[Event]:
        """The tail's events to its end, or to the one that was waited for."""
        found: list[Event] = []
        async with asyncio.timeout(TAIL_SECONDS):
            async with self.stream(session_id, since, last_event_id=last_event_id) as response:
                assert response.status_code == 200, await response.aread()
                async for event in read_events(response):
                    found.append(event)
                    if until(event):
                        break
        return found

    async def turn(self, session_id: str, turn_id: str) -> dict[str, Any]:
        answer = await self.http.get(f"{SESSIONS}/{session_id}/turns/{turn_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["data"])

    async def ended(self, session_id: str, turn_id: str) -> dict[str, Any]:
        """The turn, once it has ended."""
        async with asyncio.timeout(TAIL_SECONDS):
            while True:
                turn = await self.turn(session_id, turn_id)
                if turn["status"] not in ("QUEUED", "RUNNING"):
                    return turn
                await asyncio.sleep(POLL_SECONDS)

    async def messages(self, session_id: str, **params: Any) -> dict[str, Any]:
        answer = await self.http.get(f"{SESSIONS}/{session_id}/messages", params=params)
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["data"])


async def read_events(response: httpx2.Response) -> AsyncIterator[Event]:
    parser = EventParser()
    async for received in response.aiter_bytes():
        for event in parser.feed(received):
            if event.data != "[DONE]":
                yield Event(event.id, json.loads(event.data))


def text_of(events: list[Event]) -> str:
    """The text that a reader who follows the rules ends up with."""
    # Before the first step there is none, unless the reader began in mid-step.
    steps = [""]
    for event in events:
        if event.type in ("data-stream-reset", "start"):
            steps = [""]
        elif event.type == "data-turn-restarted":
            del steps[event.chunk["data"]["step"] :]
        elif event.type == "start-step":
            steps.append("")
        elif event.type == "text-delta":
            steps[-1] += event.chunk["delta"]
    return "".join(steps)


def reply_of(messages: dict[str, Any], turn_id: str) -> str | None:
    """What is stored as the answer of a turn."""
    for message in messages["messages"]:
        if message["role"] == "assistant" and message["metadata"]["chat_turn_id"] == turn_id:
            return "".join(part["text"] for part in message["parts"] if part["type"] == "text")
    return None
