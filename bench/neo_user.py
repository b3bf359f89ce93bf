"""A user of Neo: plain HTTP, as anybody would speak it."""

import json
import re
from collections.abc import Mapping
from time import perf_counter

from bench.event_counter import EventCounter, Turn
from bench.http_connection import HttpConnection, OnData, request, value_of
from bench.neo import Neo

SESSIONS = "/public-api/chat/sessions"
TEXT = re.compile(rb'"type":"text-delta","id":"[^"]*","delta":"([^"]*)"')


class NeoUser:
    """Posts a message, then tails the turn's events to their end, on one connection."""

    def __init__(self, neo: Neo, agent_id: int | None = None, *, session_id: str = "") -> None:
        self._neo = neo
        self._opening = {"agent_id": agent_id} if agent_id else {"managed_agent_key": "NEO_SUPPORT"}
        self._connection: HttpConnection | None = None
        self.session_id = session_id

    async def begin(self) -> None:
        connection = await self._connected()
        if not self.session_id:
            self.session_id = value_of(await connection.ask(self._post(SESSIONS, self._opening)), "id")

    async def post(self) -> tuple[str, float]:
        """The cursor before the turn, and how many milliseconds the 202 took."""
        connection = await self._connected()
        began = perf_counter()
        path = f"{SESSIONS}/{self.session_id}/messages"
        answer = await connection.ask(self._post(path, {"message": "Hello, who are you?"}))
        return value_of(answer, "since_cursor"), (perf_counter() - began) * 1000

    async def turn(self) -> Turn:
        began, counter = perf_counter(), EventCounter(TEXT)
        since, accept_ms = await self.post()
        await self.tail(counter.receive, since)
        return Turn(began, accept_ms, (perf_counter() - began) * 1000, counter)

    async def tail(self, on_data: OnData, since: str = "", *, follow: bool = False) -> None:
        """OnData the session's events after this one, to the end of the turn."""
        connection = await self._connected()
        query = "&".join([*([f"since={since}"] if since else []), *(["follow=true"] if follow else [])])
        path = f"{SESSIONS}/{self.session_id}/events?{query}"
        await connection.listen(request("GET", path, self._neo.key_header), on_data)

    def leave(self) -> None:
        if self._connection is not None:
            self._connection.close()

    async def _connected(self) -> HttpConnection:
        """The server closes a connection that has been idle for some seconds, while others are opened."""
        if self._connection is None or not self._connection.is_open:
            self._connection = await HttpConnection.open(self._neo.port)
        return self._connection

    def _post(self, path: str, body: Mapping[str, object]) -> bytes:
        return request("POST", path, self._neo.key_header, body=json.dumps(body).encode())
