"""A user of Neo: plain HTTP, as anybody would speak it."""

import json
import re
from collections.abc import Mapping
from time import perf_counter

from bench.ear import Ear, Turn
from bench.line import Hear, Line, request, value_of
from bench.neo import Neo

SESSIONS = "/public-api/chat/sessions"
TEXT = re.compile(rb'"type":"text-delta","id":"[^"]*","delta":"([^"]*)"')


class NeoUser:
    """Posts a message, then tails the turn's events to their end, on one connection."""

    def __init__(self, neo: Neo, agent_id: int | None = None, *, session_id: str = "") -> None:
        self._neo = neo
        self._opening = {"agent_id": agent_id} if agent_id else {"managed_agent_key": "NEO_SUPPORT"}
        self._line: Line | None = None
        self.session_id = session_id

    async def begin(self) -> None:
        line = await self._connected()
        if not self.session_id:
            self.session_id = value_of(await line.ask(self._post(SESSIONS, self._opening)), "id")

    async def post(self) -> tuple[str, float]:
        """The cursor before the turn, and how many milliseconds the 202 took."""
        line = await self._connected()
        began = perf_counter()
        path = f"{SESSIONS}/{self.session_id}/messages"
        answer = await line.ask(self._post(path, {"message": "Hello, who are you?"}))
        return value_of(answer, "since_cursor"), (perf_counter() - began) * 1000

    async def turn(self) -> Turn:
        began, ear = perf_counter(), Ear(TEXT)
        since, accept_ms = await self.post()
        await self.tail(ear.hear, since)
        return Turn(began, accept_ms, (perf_counter() - began) * 1000, ear)

    async def tail(self, hear: Hear, since: str = "", *, follow: bool = False) -> None:
        """Hear the session's events after this one, to the end of the turn."""
        line = await self._connected()
        query = "&".join([*([f"since={since}"] if since else []), *(["follow=true"] if follow else [])])
        path = f"{SESSIONS}/{self.session_id}/events?{query}"
        await line.listen(request("GET", path, self._neo.key_header), hear)

    def leave(self) -> None:
        if self._line is not None:
            self._line.close()

    async def _connected(self) -> Line:
        """The server closes a connection that has been idle for some seconds, while others are opened."""
        if self._line is None or not self._line.is_open:
            self._line = await Line.open(self._neo.port)
        return self._line

    def _post(self, path: str, body: Mapping[str, object]) -> bytes:
        return request("POST", path, self._neo.key_header, body=json.dumps(body).encode())
