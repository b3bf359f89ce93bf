"""Reads a response's body into the data of its events: the less often, the more answers stream into the process.
Gives up when the model is silent for too long.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

import httpx2

from neo.llm.errors import ProviderIncomplete
from neo.llm.providers import ProviderSettings
from neo.llm.responses.reader import ResponseReader

# The final event repeats the whole answer and its reasoning, in escapes of up to six bytes a character.
EVENT_BYTES_MAX = 16 * 1024 * 1024
# The end of the body comes with the final event, or soon after it, or not at all.
_BODY_END_SECONDS = 1.0
# What one read causes, down to the readers' connections, takes a quarter of a millisecond. So reads take at most half
# of a processor.
READS_PER_SECOND = 2_000
# Text that moves ten times a second still looks fluent.
WAIT_SECONDS_MAX = 0.1


class EventTooLongError(Exception):
    """No event is that long: the provider is broken."""


class EventDecoder:
    """Takes the bytes as they arrive, cut anywhere, and returns the data of each event that is complete.

    The names of events are ignored: each event that Neo reads names its type in its data too.
    """

    def __init__(self) -> None:
        self._line = bytearray()
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._ended_with_carriage_return = False

    def feed(self, chunk: bytes) -> list[bytes]:
        self._line += self._with_line_feeds(chunk)
        if b"\n" not in chunk and b"\r" not in chunk:
            self._check_length()
            return []
        *lines, rest = bytes(self._line).split(b"\n")
        self._line = bytearray(rest)
        found = [data for line in lines if (data := self._end_line(line))]
        self._check_length()
        return found

    def _with_line_feeds(self, chunk: bytes) -> bytes:
        """The chunk with a line feed for every line end."""
        if self._ended_with_carriage_return and chunk:
            self._ended_with_carriage_return = False
            # The second half of a line end whose first half came with the chunk before.
            chunk = chunk.removeprefix(b"\n")
        if b"\r" in chunk:
            self._ended_with_carriage_return = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return chunk

    def _end_line(self, line: bytes) -> bytes | None:
        """The event's data, if this line ends the event."""
        if not line:
            data, self._data, self._data_bytes = self._data, [], 0
            return data[0] if len(data) == 1 else b"\n".join(data)
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
            self._data_bytes += len(line)
        return None

    def _check_length(self) -> None:
        if len(self._line) + self._data_bytes > EVENT_BYTES_MAX:
            raise EventTooLongError


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
