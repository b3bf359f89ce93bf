"""A client of the stack that writes down what it does and sees, and goes on where it was cut."""

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx2

from faults.history import Answered, History, Posted, Reading, Seen
from neo.cli.chat.sse import EventParser
from neo.events import Position
from support.client import SESSIONS

AGAIN_SECONDS = 0.05
READ_SECONDS = 40.0
POST_SECONDS = 30.0

Until = Callable[[Seen], bool]


class Caller:
    """Speaks to whichever API answers."""

    def __init__(self, urls: list[str], api_key: str, history: History) -> None:
        self.history = history
        headers = {"authorization": f"Bearer {api_key}"}
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=50)
        self.https = [
            httpx2.AsyncClient(
                base_url=url, headers=headers, timeout=30, trust_env=False, verify=False, limits=limits
            )
            for url in urls
        ]

    async def aclose(self) -> None:
        for http in self.https:
            await http.aclose()

    async def call(self, method: str, path: str, *, api: int = 0, **given: Any) -> Answered:
        """One request to one API; a connection that breaks is an answer with status 0."""
        sent_at = time.time()
        try:
            response = await self.https[api].request(method, path, **given)
        except httpx2.HTTPError:
            answered = Answered(method, path, sent_at, time.time(), 0)
        else:
            body = response.json() if response.content else {}
            request_id = response.headers.get("x-request-id")
            answered = Answered(method, path, sent_at, time.time(), response.status_code, body, request_id)
        self.history.answers.append(answered)
        return answered

    async def open(self, agent_id: int | None = None, *, api: int = 0) -> str:
        body = {"managed_agent_key": "NEO_SUPPORT"} if agent_id is None else {"agent_id": agent_id}
        answered = await self.call("POST", SESSIONS, api=api, json=body)
        assert answered.status == 200, answered
        return str(answered.data["id"])

    async def post(
        self,
        session_id: str,
        message: str,
        client_message_id: str | None = None,
        *,
        api: int = 0,
        **more: Any,
    ) -> Posted:
        body = {"message": message, **more}
        if client_message_id is not None:
            body["client_message_id"] = client_message_id
        answered = await self.call("POST", f"{SESSIONS}/{session_id}/messages", api=api, json=body)
        posted = Posted(session_id, client_message_id, message, answered)
        self.history.posts.append(posted)
        return posted

    async def say(self, session_id: str, message: str | None = None, *, api: int = 0) -> Posted:
        """A message of its own, accepted at the first go."""
        name = uuid4().hex
        posted = await self.post(session_id, message or f"say {name}", name, api=api)
        assert posted.answered.status == 202, posted
        return posted

    async def insist(
        self, session_id: str, message: str | None = None, name: str | None = None, *, api: int | None = None
    ) -> Posted:
        """A message that is posted again, with the same id and to this or any API, until it is known to be stored."""
        name = name or uuid4().hex
        async with asyncio.timeout(POST_SECONDS):
            while True:
                number = random.randrange(len(self.https)) if api is None else api
                posted = await self.post(session_id, message or f"say {name}", name, api=number)
                if posted.turn_id is not None:
                    return posted
                assert posted.answered.status in (0, 429, 503), posted
                await asyncio.sleep(AGAIN_SECONDS)

    async def decide(self, call_id: str, decision: str = "APPROVED", *, api: int = 0) -> Answered:
        path = f"/public-api/scripted-model/calls/{call_id}"
        answered = await self.call("POST", path, api=api, json={"decision": decision})
        assert answered.status == 200, answered
        return answered

    async def read(
        self,
        session_id: str,
        since: str | None,
        *,
        api: int | None = None,
        until: Until = lambda _: False,
        reading: Reading | None = None,
        seconds: float = READ_SECONDS,
    ) -> Reading:
        """Read to the turn's end, or to the event that was waited for, and go on after every cut."""
        if reading is None:
            reading = Reading(session_id, since)
            self.history.readings.append(reading)
        async with asyncio.timeout(seconds):
            while True:
                number = random.randrange(len(self.https)) if api is None else api
                end = await self.read_once(reading, api=number, until=until)
                if end in ("done", "over", "enough"):
                    return reading
                await asyncio.sleep(AGAIN_SECONDS)

    async def read_once(
        self,
        reading: Reading,
        *,
        api: int = 0,
        until: Until = lambda _: False,
        on_open: Callable[[], Awaitable[None]] | None = None,
    ) -> str:
        """One connection; how it ended."""
        end = "cut"
        try:
            end = await self._read_once(reading, api, until, on_open)
        except httpx2.HTTPError:
            pass
        finally:
            reading.ends.append(end)
        return end

    async def _read_once(
        self, reading: Reading, api: int, until: Until, on_open: Callable[[], Awaitable[None]] | None
    ) -> str:
        params = {"since": reading.since} if reading.since else {}
        if reading.follow:
            params["follow"] = "true"
        headers = {"last-event-id": reading.last_id} if reading.last_id else {}
        url = f"{SESSIONS}/{reading.session_id}/events"
        async with self.https[api].stream("GET", url, params=params, headers=headers) as response:
            if response.status_code != 200:
                return await self._refused(response, url)
            if on_open is not None:
                await on_open()
            return await take_events(response, reading, until)

    async def _refused(self, response: httpx2.Response, url: str) -> str:
        if response.status_code == 204:
            return "over"
        body = json.loads(await response.aread())
        request_id = response.headers.get("x-request-id")
        now = time.time()
        self.history.answers.append(Answered("GET", url, now, now, response.status_code, body, request_id))
        return "refused"


async def take_events(response: httpx2.Response, reading: Reading, until: Until) -> str:
    parser = EventParser()
    named = ""
    async for received in response.aiter_bytes():
        for event in parser.feed(received):
            if event.data == "[DONE]":
                return "done"
            # An event without an id of its own has that of the one before.
            own_id = event.id if event.id != named else None
            named = event.id
            seen = Seen(time.time(), own_id, json.loads(event.data))
            reading.seen.append(seen)
            if until(seen):
                return "enough"
        if parser.retry_seconds is not None:
            return "retry"
    return "cut"


def said(words: str) -> Until:
    """Until a delta holds this word."""
    return lambda event: event.type == "text-delta" and words in event.chunk["delta"]


def in_segment(segment: int) -> Until:
    """Until a word of this segment has come."""
    return lambda event: event.type == "text-delta" and Position.of_id(str(event.id)).segment == segment
