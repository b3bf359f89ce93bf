"""Sends a reply over a connection, with the delays and the fault of its scenario."""

import asyncio
from collections.abc import Iterator
from itertools import chain

from neo.engines.scripted_model.connection import Connection
from neo.engines.scripted_model.dialect import MALFORMED_EVENT, EventWriter
from neo.engines.scripted_model.reply import Reply
from neo.engines.scripted_model.scenario import Scenario
from neo.engines.scripted_model.state import ServerState

_FINAL_EVENTS = ("error_after", "failed_after", "bad_json", "eof")
# After a freeze it catches up by this much at most, so that it does not send everything at once.
_CATCH_UP_SECONDS_MAX = 1.0
_HEADERS = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store"}


class Playback:
    """Bytes are buffered until the scenario pauses, so an instant answer is one write."""

    def __init__(
        self, scenario: Scenario, state: ServerState, connection: Connection, writer: EventWriter
    ) -> None:
        self._scenario = scenario
        self._state = state
        self._connection = connection
        self._writer = writer
        self._unsent = bytearray()
        self._due = 0.0

    async def play(self, reply: Reply, fault: tuple[str, int] | None) -> bool:
        """Returns whether the reply was sent to its end."""
        await asyncio.sleep(self._scenario.first_ms / 1000)
        self._start_clock()
        await self._connection.start(200, _HEADERS)
        self._unsent += self._writer.start()
        stops = {self._scenario.pause_after, fault and fault[1]}
        for sent, (word, is_text) in enumerate(self._words(reply), start=-len(reply.reasoning)):
            if sent in stops and await self._interrupt(sent, fault):
                return False
            self._unsent += self._writer.word(word) if is_text else self._writer.reasoning(word)
            if self._scenario.delay_ms:
                await self._wait_until_due()
        if await self._interrupt(len(reply.words), fault):
            return False
        self._unsent += self._writer.end()
        if self._scenario.open_end:
            await self._flush()
            await asyncio.Event().wait()
        await self._connection.end(bytes(self._unsent))
        return True

    @staticmethod
    def _words(reply: Reply) -> Iterator[tuple[str, bool]]:
        return chain(((word, False) for word in reply.reasoning), ((word, True) for word in reply.words))

    async def _interrupt(self, sent: int, fault: tuple[str, int] | None) -> bool:
        """Pauses or fails where the scenario says so. Returns whether the reply ends here."""
        if sent == self._scenario.pause_after:
            await self._flush()
            await self._state.wait(self._scenario.gate)
            self._start_clock()
        if fault is None or sent != fault[1]:
            return False
        await self._fail(fault[0])
        return True

    async def _fail(self, fault: str) -> None:
        if fault in _FINAL_EVENTS:
            await self._connection.end(bytes(self._unsent) + self._final_events(fault))
            return
        await self._flush()
        if fault == "half":
            await self._connection.close()
        elif fault == "reset":
            await self._connection.reset()
        else:
            # It hangs until the client disconnects.
            await asyncio.Event().wait()

    def _final_events(self, fault: str) -> bytes:
        if fault == "error_after":
            return self._writer.error(self._scenario.code)
        if fault == "failed_after":
            return self._writer.failed(self._scenario.code)
        return MALFORMED_EVENT if fault == "bad_json" else b""

    def _start_clock(self) -> None:
        self._due = asyncio.get_running_loop().time()

    async def _wait_until_due(self) -> None:
        """Waits until the next token is due. Waiting a fixed time would add up the lateness of every timer."""
        await self._flush()
        now = asyncio.get_running_loop().time()
        self._due = max(self._due, now - _CATCH_UP_SECONDS_MAX) + self._scenario.delay_ms / 1000
        await asyncio.sleep(max(0.0, self._due - now))

    async def _flush(self) -> None:
        unsent, self._unsent = bytes(self._unsent), bytearray()
        if unsent:
            await self._connection.send(unsent)
