"""Reads the events of a response's body: the less often, the more answers stream into the process. Gives up when the
model is silent for too long.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

import httpx2

from neo.llm.errors import ProviderIncomplete
from neo.llm.providers import ProviderSettings
from neo.llm.responses.reader import ResponseReader
from neo.llm.responses.sse import EventDecoder

# The end of the body comes with the final event, or soon after it, or not at all.
_BODY_END_SECONDS = 1.0
# What one read causes, down to the readers' connections, takes a quarter of a millisecond. So reads take at most half
# of a processor.
READS_PER_SECOND = 2_000
# Text that moves ten times a second still looks fluent.
WAIT_SECONDS_MAX = 0.1


class ReadThrottle:
    """The more answers there are, the longer is the wait between two reads of each."""

    def __init__(self) -> None:
        self._answers = 0

    @contextmanager
    def one_more(self) -> Iterator[None]:
        self._answers += 1
        try:
            yield
        finally:
            self._answers -= 1

    def next_read_at(self, read_at: float) -> float:
        """When to read an answer again that was read at `read_at` of the event loop's clock."""
        return read_at + min(self._answers / READS_PER_SECOND, WAIT_SECONDS_MAX)


class Body:
    def __init__(
        self,
        chunks: AsyncIterator[bytes],
        reader: ResponseReader,
        settings: ProviderSettings,
        throttle: ReadThrottle,
        *,
        is_reasoning: bool,
    ) -> None:
        self._chunks = chunks
        self._reader = reader
        self._settings = settings
        self._throttle = throttle
        self._is_reasoning = is_reasoning
        self._decoder = EventDecoder()
        self._read_at = 0.0
        self._events_with_content = -1
        self._deadline = 0.0

    async def events(self) -> list[bytes]:
        """The data of the events that one read has completed: often none."""
        # The HTTP client's own timeout would not do: a provider that only sends pings counts as silent.
        if self._reader.events_with_content != self._events_with_content:
            self._events_with_content = self._reader.events_with_content
            self._deadline = asyncio.get_running_loop().time() + self._read_timeout_seconds()
        await self._wait_for_throttle()
        async with asyncio.timeout_at(self._deadline):
            chunk = await anext(self._chunks, None)
        if chunk is None:
            raise ProviderIncomplete
        return self._decoder.feed(chunk)

    async def read_to_end(self) -> None:
        """Lets the connection be used again. After the final event it does not matter how the body ends."""
        with suppress(TimeoutError, httpx2.HTTPError):
            async with asyncio.timeout(_BODY_END_SECONDS):
                async for _ in self._chunks:
                    pass

    def _read_timeout_seconds(self) -> float:
        is_reasoning = self._is_reasoning and not self._reader.has_text
        return self._settings.read_timeout_seconds(is_reasoning=is_reasoning)

    async def _wait_for_throttle(self) -> None:
        now = asyncio.get_running_loop().time()
        # The first text is read without a delay.
        if self._reader.has_text and (left := self._throttle.next_read_at(self._read_at) - now) > 0:
            await asyncio.sleep(left)
            now += left
        self._read_at = now
