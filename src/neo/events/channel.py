"""A session's channel in this process, and those who watch it."""

import asyncio

from neo.events.entry import NUDGE, published_entry
from neo.events.subscription import Watch
from neo.streams import Line


class Topic:
    __slots__ = ("is_heard", "line", "stirred", "unheard", "watches")

    def __init__(self, line: Line) -> None:
        self.line = line
        self.watches: set[Watch] = set()
        self.is_heard = False
        # How often there was something to ask PostgreSQL about: a nudge, or a while in which nothing was heard.
        self.stirred = 0
        self.unheard: asyncio.Future[None] | None = None

    def pass_on(self, message: bytes) -> None:
        if message == NUDGE:
            self.stirred += 1
        if self.watches:
            entry = published_entry(message)
            for watch in self.watches:
                watch.hear(entry)

    def make_watches_read_again(self) -> None:
        self.stirred += 1
        if self.unheard is not None and not self.unheard.done():
            self.unheard.set_result(None)
        self.unheard = None
        for watch in self.watches:
            watch.miss()


class Since:
    """A moment from which on a session is heard. What PostgreSQL says after it need not be asked again as long as it
    `has_held`: whatever the stream does not tell would have been nudged.
    """

    __slots__ = ("_stirred", "_topic")

    def __init__(self, topic: Topic) -> None:
        self._topic = topic
        self._stirred = topic.stirred

    @property
    def has_held(self) -> bool:
        return self._topic.is_heard and self._topic.stirred == self._stirred
