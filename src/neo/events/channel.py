"""A session's channel in this process, and those who subscribed to it."""

import asyncio

from neo.events.entry import published_entry
from neo.events.subscription import Subscription
from neo.streams import PubSubConnection


class Channel:
    __slots__ = ("_confirmation", "connection", "is_confirmed", "name", "subscriptions")

    def __init__(self, name: bytes, connection: PubSubConnection) -> None:
        self.name = name
        self.connection = connection
        self.subscriptions: set[Subscription] = set()
        # Valkey has confirmed it over the connection that is up.
        self.is_confirmed = False
        self._confirmation: asyncio.Future[None] | None = None

    async def until_confirmed(self, seconds: float) -> None:
        """Wait for Valkey's confirmation, or this long, or until the connection is lost."""
        if self._confirmation is None:
            self._confirmation = asyncio.get_running_loop().create_future()
        await asyncio.wait((self._confirmation,), timeout=seconds)

    def receive(self, message: bytes) -> None:
        entry = published_entry(message)
        for subscription in self.subscriptions:
            subscription.receive(entry)

    def confirm(self) -> None:
        self.is_confirmed = True
        self._changed()

    def lose(self) -> None:
        self.is_confirmed = False
        self._changed()

    def _changed(self) -> None:
        if self._confirmation is not None and not self._confirmation.done():
            self._confirmation.set_result(None)
        self._confirmation = None
        for subscription in self.subscriptions:
            subscription.miss()
