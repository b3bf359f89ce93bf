"""Listens to a body's events, for no longer than a model may be silent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx2

from neo.kit import Bound
from neo.llm.errors import ProviderIncomplete
from neo.llm.patience import Patience
from neo.llm.responses_reading import ResponsesReading
from neo.llm.rests import Rests
from neo.llm.sse import EventData

# The end of the body comes with the final event, or soon after it, or not at all.
_BODY_END_SECONDS = 1.0


class Listening:
    def __init__(
        self,
        chunks: AsyncIterator[bytes],
        reading: ResponsesReading,
        patience: Patience,
        rests: Rests,
        bound: Bound,
    ) -> None:
        self._chunks = chunks
        self._bound = bound
        self._rests = rests
        self._read_at = 0.0
        self._reading = reading
        self._patience = patience
        self._events = EventData()
        self._signs_of_life = -1
        self._deadline = 0.0

    async def events(self) -> list[bytes]:
        """The data of the events that came next, if any has come to its end."""
        # Timed here and not by the HTTP client alone: a provider that only pings is silent too.
        if self._reading.signs_of_life != self._signs_of_life:
            self._signs_of_life = self._reading.signs_of_life
            seconds = self._patience.seconds(has_text=self._reading.has_text)
            self._deadline = asyncio.get_running_loop().time() + seconds
        await self._rest()
        chunk = await self._bound.wait(anext(self._chunks, None), self._deadline)
        if chunk is None:
            raise ProviderIncomplete
        return self._events.feed(chunk)

    async def _rest(self) -> None:
        now = asyncio.get_running_loop().time()
        # The first word is not kept waiting.
        if self._reading.has_text and (left := self._rests.over_at(self._read_at) - now) > 0:
            await asyncio.sleep(left)
            now += left
        self._read_at = now

    async def read_to_the_end(self) -> None:
        """Lets the connection be used again. After the final event it is of no account how the body ends."""
        with suppress(TimeoutError, httpx2.HTTPError):
            async with asyncio.timeout(_BODY_END_SECONDS):
                async for _ in self._chunks:
                    pass
