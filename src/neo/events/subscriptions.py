"""A few pub/sub connections that serve every reader of this process."""

import asyncio
from types import TracebackType
from typing import Self
from uuid import UUID

from neo.events.channel import Since, Topic
from neo.events.entry import stream_key
from neo.events.subscription import Watch
from neo.streams import Line, Valkey

LINES = 2
# A reader this far behind what is published reads it from the stream instead, in pages.
BUFFER_BYTES_MAX = 256 * 1024
SUBSCRIBE_SECONDS = 2.0
# Who has had an answer often asks again: a session is heard this much longer than it is watched, and the next reader
# need not wait for it.
LINGER_SECONDS = 30.0
# Who has posted a message reads its answer at once, or not here.
EXPECTED_SECONDS = 5.0
# Sessions that are heard and not watched: some hundred bytes each, here and in Valkey.
LINGERING_MAX = 1_000


class Hub:
    """Open it before the first watch. Valkey may come later, or go and come back."""

    def __init__(
        self,
        valkey: Valkey,
        *,
        lines: int = LINES,
        buffer_bytes: int = BUFFER_BYTES_MAX,
        subscribe_seconds: float = SUBSCRIBE_SECONDS,
        linger_seconds: float = LINGER_SECONDS,
    ) -> None:
        self._topics: dict[bytes, Topic] = {}
        # Those that nobody watches any more, or yet.
        self._lingering: dict[bytes, asyncio.TimerHandle] = {}
        self._buffer_bytes = buffer_bytes
        self._subscribe_seconds = subscribe_seconds
        self._linger_seconds = linger_seconds
        self._lines = [self._line(valkey, number) for number in range(lines)]

    @property
    def watched_sessions(self) -> int:
        return len(self._topics) - len(self._lingering)

    async def __aenter__(self) -> Self:
        for line in self._lines:
            line.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for timer in self._lingering.values():
            timer.cancel()
        for line in self._lines:
            await line.aclose()

    def since(self, session_id: UUID) -> Since | None:
        """None where the session is not heard yet."""
        topic = self._topics.get(stream_key(session_id))
        return Since(topic) if topic is not None and topic.is_heard else None

    def watch(self, session_id: UUID) -> "Watching":
        """Subscribe, then read what is kept: what is published in between waits in the watch."""
        return Watching(self, stream_key(session_id), self._buffer_bytes)

    async def settle(self) -> None:
        """Return when everything published before this call has reached its watches."""
        for line in self._lines:
            await line.settle()

    def expect(self, session_id: UUID) -> None:
        """Hear a session already that is likely to be watched in a moment."""
        channel = stream_key(session_id)
        if channel not in self._topics and len(self._lingering) < LINGERING_MAX:
            self._join(channel)
            self._linger(channel, EXPECTED_SECONDS)

    async def enter(self, channel: bytes, watch: Watch) -> None:
        topic = self._topics.get(channel)
        if topic is None:
            topic = self._join(channel)
        elif timer := self._lingering.pop(channel, None):
            timer.cancel()
        topic.watches.add(watch)
        if not topic.is_heard:
            await self._until_heard(topic)

    def leave(self, channel: bytes, watch: Watch) -> None:
        topic = self._topics[channel]
        topic.watches.discard(watch)
        if topic.watches:
            return
        if topic.is_heard and len(self._lingering) < LINGERING_MAX:
            self._linger(channel, self._linger_seconds)
        else:
            self._part(channel)

    def _join(self, channel: bytes) -> Topic:
        topic = self._topics[channel] = Topic(self._lines[hash(channel) % len(self._lines)])
        topic.line.subscribe(channel)
        return topic

    def _linger(self, channel: bytes, seconds: float) -> None:
        self._lingering[channel] = asyncio.get_running_loop().call_later(seconds, self._part, channel)

    def _part(self, channel: bytes) -> None:
        self._lingering.pop(channel, None)
        topic = self._topics.pop(channel)
        topic.is_heard = False
        topic.line.unsubscribe(channel)

    async def _until_heard(self, topic: Topic) -> None:
        """Wait a bounded while: a watch that is not heard yet is told to read again when it is."""
        if topic.unheard is None:
            topic.unheard = asyncio.get_running_loop().create_future()
        if topic.line.is_up:
            await asyncio.wait((topic.unheard,), timeout=self._subscribe_seconds)

    def _line(self, valkey: Valkey, number: int) -> Line:
        return Line(
            valkey,
            on_message=self._pass_on,
            on_heard=self._mark_heard,
            on_lost=lambda: self._mark_lost(number),
        )

    def _pass_on(self, channel: bytes, message: bytes) -> None:
        topic = self._topics.get(channel)
        if topic is not None:
            topic.pass_on(message)

    def _mark_heard(self, channel: bytes) -> None:
        topic = self._topics.get(channel)
        if topic is None:
            return
        topic.is_heard = True
        topic.make_watches_read_again()

    def _mark_lost(self, number: int) -> None:
        for topic in self._topics.values():
            if topic.line is self._lines[number]:
                topic.is_heard = False
                topic.make_watches_read_again()


class Watching:
    """`async with` around a watch."""

    __slots__ = ("_channel", "_hub", "_watch")

    def __init__(self, hub: Hub, channel: bytes, buffer_bytes: int) -> None:
        self._hub = hub
        self._channel = channel
        self._watch = Watch(buffer_bytes)

    async def __aenter__(self) -> Watch:
        try:
            await self._hub.enter(self._channel, self._watch)
        except BaseException:
            self._hub.leave(self._channel, self._watch)
            raise
        return self._watch

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hub.leave(self._channel, self._watch)
