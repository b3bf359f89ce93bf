"""Reads a response's body into the data of its events: the less often, the more answers stream into the process.
Gives up when the model is silent for too long.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

import httpx2

from neo.llm.chosen import ChosenModel
from neo.llm.dialect import Reader
from neo.llm.providers import ProviderSettings

# The final event repeats the whole answer and its reasoning, in escapes of up to six bytes a character.
EVENT_BYTES_MAX = 16 * 1024 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BEFORE_JSON = b" \t\r\n" + _BYTE_ORDER_MARK
# The end of the body comes with the event that ends the answer, or soon after it, or not at all.
_BODY_END_SECONDS = 1.0
# Some gateways count the tokens only then.
_USAGE_SECONDS = 2.0
# What one read causes, down to the readers' connections, takes a quarter of a millisecond. So reads take at most half
# of a processor.
READS_PER_SECOND = 2_000
# Text that moves ten times a second still looks fluent.
WAIT_SECONDS_MAX = 0.1


class EventTooLongError(Exception):
    """No event is that long: the provider is broken."""


class EventDecoder:
    """Takes the bytes as they arrive, cut anywhere, and returns the data of each event that is complete.

    The names of events are ignored: each event that Neo reads names its type in its data too. A body that is JSON, of a
    server that does not stream, is the data of one event.
    """

    def __init__(self) -> None:
        self._line = bytearray()
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._ended_with_carriage_return = False
        self._is_first_line = True
        self._is_json: bool | None = None

    def feed(self, chunk: bytes) -> list[bytes]:
        if self._is_json is None and (begun := chunk.lstrip(_BEFORE_JSON)):
            self._is_json = begun.startswith((b"{", b"["))
        if self._is_json:
            self._line += chunk
            self._check_length()
            return []
        self._line += self._with_line_feeds(chunk)
        if b"\n" not in chunk and b"\r" not in chunk:
            self._check_length()
            return []
        *lines, rest = bytes(self._line).split(b"\n")
        self._line = bytearray(rest)
        found = [data for line in lines if (data := self._end_line(line)) and not data.isspace()]
        self._check_length()
        return found

    def end(self) -> list[bytes]:
        """The data of the last event, where the body ends without the blank line that ends an event."""
        if self._is_json:
            return [bytes(self._line).lstrip(_BEFORE_JSON)]
        return [data for data in (*self.feed(b"\n"), *self.feed(b"\n")) if data]

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
        if self._is_first_line:
            self._is_first_line = False
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if not line:
            data, self._data, self._data_bytes = self._data, [], 0
            return data[0] if len(data) == 1 else b"\n".join(data)
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
            self._data_bytes += len(line)
        elif name == b"error" and value.lstrip().startswith(b"{"):
            # Older llama.cpp.
            self._data.append(b'{"error":%b}' % value)
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
        reader: Reader,
        chosen: ChosenModel,
        settings: ProviderSettings,
        throttle: ReadThrottle,
    ) -> None:
        self._chunks = chunks
        self._reader = reader
        self._chosen = chosen
        self._settings = settings
        self._throttle = throttle
        self._decoder = EventDecoder()
        self._read_at = 0.0
        self._events_with_content = -1
        self._deadline = 0.0
        self._ended_at: float | None = None
        self._has_ended = False

    async def events(self) -> list[bytes] | None:
        """The data of the events that one read has completed: often none. None once nothing more comes."""
        if self._has_ended:
            return None
        self._extend_deadline()
        await self._wait_for_throttle()
        try:
            async with asyncio.timeout_at(self._deadline):
                chunk = await anext(self._chunks, None)
        except (TimeoutError, httpx2.HTTPError):
            # After the answer's end it does not matter how the body ends.
            if self._reader.has_finished:
                return None
            raise
        if chunk is None:
            self._has_ended = True
            return self._decoder.end()
        return self._decoder.feed(chunk)

    async def read_to_end(self) -> None:
        """Lets the connection be used again. After the answer's end it does not matter how the body ends."""
        if self._has_ended:
            return
        with suppress(TimeoutError, httpx2.HTTPError):
            async with asyncio.timeout(_BODY_END_SECONDS):
                async for _ in self._chunks:
                    pass

    def _extend_deadline(self) -> None:
        # The HTTP client's own timeout would not do: a provider that only sends pings counts as silent.
        now = asyncio.get_running_loop().time()
        has_content = self._reader.events_with_content != self._events_with_content
        self._events_with_content = self._reader.events_with_content
        if self._reader.has_finished:
            # Some gateways send more of the text after the event that says how it ended.
            if has_content or self._ended_at is None:
                self._ended_at = now
            self._deadline = self._ended_at + (
                _USAGE_SECONDS if self._reader.awaits_usage else _BODY_END_SECONDS
            )
        elif has_content:
            may_reason = not self._reader.has_text
            self._deadline = now + silence_seconds(self._chosen, self._settings, may_reason=may_reason)

    async def _wait_for_throttle(self) -> None:
        now = asyncio.get_running_loop().time()
        # The first text is read without a delay.
        if self._reader.has_text and (left := self._throttle.next_read_at(self._read_at) - now) > 0:
            await asyncio.sleep(left)
            now += left
        self._read_at = now


def silence_seconds(chosen: ChosenModel, settings: ProviderSettings, *, may_reason: bool) -> float:
    """The longest silence that is waited for: longer where the model may still be reasoning."""
    if not may_reason:
        return settings.idle_seconds
    if chosen.traits.thinking_seconds is not None:
        return chosen.traits.thinking_seconds
    return settings.thinking_seconds if chosen.traits.reasons else settings.idle_seconds
