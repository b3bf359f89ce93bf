"""Plays a reply on a connection, in the scenario's time and with its troubles."""

import asyncio
from collections.abc import Iterator
from itertools import chain

from neo.engines.scripted_model.connection import Connection
from neo.engines.scripted_model.memory import Memory
from neo.engines.scripted_model.reply import Reply
from neo.engines.scripted_model.scenario import Scenario
from neo.engines.scripted_model.voice import GARBAGE, Voice

_LAST_WORDS = ("error_after", "failed_after", "bad_json", "eof")
# Of what it is late it makes up no more than this: who was frozen does not say all at once when it thaws.
_LATE_SECONDS_MAX = 1.0
_HEADERS = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store"}


class Performance:
    """Bytes are gathered until the scenario makes a pause, so an instant answer is one write."""

    def __init__(self, scenario: Scenario, memory: Memory, connection: Connection, voice: Voice) -> None:
        self._scenario = scenario
        self._memory = memory
        self._connection = connection
        self._voice = voice
        self._unsent = bytearray()
        self._due = 0.0

    async def play(self, reply: Reply, trouble: tuple[str, int] | None) -> bool:
        """Whether the reply was said to its end."""
        await asyncio.sleep(self._scenario.first_ms / 1000)
        self._start_clock()
        await self._connection.start(200, _HEADERS)
        self._unsent += self._voice.opening()
        stops = {self._scenario.pause_after, trouble and trouble[1]}
        for said, (piece, is_word) in enumerate(self._pieces(reply), start=-len(reply.reasoning)):
            if said in stops and await self._interrupt(said, trouble):
                return False
            self._unsent += self._voice.word(piece) if is_word else self._voice.reasoning(piece)
            if self._scenario.delay_ms:
                await self._rest()
        if await self._interrupt(len(reply.words), trouble):
            return False
        self._unsent += self._voice.closing()
        if self._scenario.open_end:
            await self._flush()
            await asyncio.Event().wait()
        await self._connection.end(bytes(self._unsent))
        return True

    @staticmethod
    def _pieces(reply: Reply) -> Iterator[tuple[str, bool]]:
        return chain(((word, False) for word in reply.reasoning), ((word, True) for word in reply.words))

    async def _interrupt(self, said: int, trouble: tuple[str, int] | None) -> bool:
        """Waits or breaks where the scenario says so; whether the reply ends here."""
        if said == self._scenario.pause_after:
            await self._flush()
            await self._memory.wait(self._scenario.gate)
            self._start_clock()
        if trouble is None or said != trouble[1]:
            return False
        await self._break(trouble[0])
        return True

    async def _break(self, trouble: str) -> None:
        if trouble in _LAST_WORDS:
            await self._connection.end(bytes(self._unsent) + self._last_words(trouble))
            return
        await self._flush()
        if trouble == "half":
            await self._connection.close()
        elif trouble == "reset":
            await self._connection.reset()
        else:
            # It hangs: only the client's going ends it.
            await asyncio.Event().wait()

    def _last_words(self, trouble: str) -> bytes:
        if trouble == "error_after":
            return self._voice.error(self._scenario.code)
        if trouble == "failed_after":
            return self._voice.failed(self._scenario.code)
        return GARBAGE if trouble == "bad_json" else b""

    def _start_clock(self) -> None:
        self._due = asyncio.get_running_loop().time()

    async def _rest(self) -> None:
        """Until the next token is due: by the clock, or 500 tokens would be as late as 500 timers together."""
        await self._flush()
        now = asyncio.get_running_loop().time()
        self._due = max(self._due, now - _LATE_SECONDS_MAX) + self._scenario.delay_ms / 1000
        await asyncio.sleep(max(0.0, self._due - now))

    async def _flush(self) -> None:
        unsent, self._unsent = bytes(self._unsent), bytearray()
        if unsent:
            await self._connection.send(unsent)
