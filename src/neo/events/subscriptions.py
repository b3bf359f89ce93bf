"""A few pub/sub connections that serve every reader of this process."""

import asyncio
from functools import partial
from types import TracebackType
from typing import Self
from uuid import UUID

from neo.events.entry import published_entry, stream_key
from neo.events.subscription import Subscription
from neo.streams import PubSubConnection, Valkey

CONNECTIONS = 2
# A reader this far behind what is published reads it from the stream instead, in pages.
BUFFER_BYTES_MAX = 256 * 1024
CONFIRM_SECONDS = 2.0


class Channel:
    """A session's channel in this process, and those who subscribed to it."""

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


class Subscriptions:
    """Open it before the first `subscribe`. Valkey may come later, or go and come back.

    The process is subscribed to a session's channel as long as somebody here has a subscription to it.
    """

    def __init__(
        self,
        valkey: Valkey,
        *,
        connections: int = CONNECTIONS,
        buffer_bytes: int = BUFFER_BYTES_MAX,
        confirm_seconds: float = CONFIRM_SECONDS,
    ) -> None:
        self._channels: dict[bytes, Channel] = {}
        self._buffer_bytes = buffer_bytes
        self._confirm_seconds = confirm_seconds
        self._connections = [self._connection(valkey, number) for number in range(connections)]

    @property
    def sessions(self) -> int:
        """How many sessions this process is subscribed to."""
        return len(self._channels)

    @property
    def are_up(self) -> bool:
        return all(connection.is_up for connection in self._connections)

    async def __aenter__(self) -> Self:
        for connection in self._connections:
            connection.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in self._connections:
            await connection.aclose()

    async def subscribe(self, session_id: UUID) -> Subscription:
        """Subscribe first, then look at PostgreSQL and the stream: what is published meanwhile waits here.

        It returns when Valkey has confirmed the subscription. With Valkey away, or slow, it returns without that
        (`was_confirmed`), and says later that something was missed.
        """
        name = stream_key(session_id)
        channel = self._channels.get(name) or self._open(name)
        subscription = Subscription(self._buffer_bytes, leave=partial(self._leave, channel))
        channel.subscriptions.add(subscription)
        if not channel.is_confirmed and channel.connection.is_up:
            try:
                await channel.until_confirmed(self._confirm_seconds)
            except BaseException:
                subscription.close()
                raise
        if channel.is_confirmed:
            # Nobody has looked yet, so nothing was missed.
            subscription.take_missed()
            subscription.was_confirmed = True
        return subscription

    async def drain(self) -> None:
        """Return when everything published before this call has reached its subscriptions."""
        for connection in self._connections:
            await connection.drain()

    def _open(self, name: bytes) -> Channel:
        connection = self._connections[hash(name) % len(self._connections)]
        channel = self._channels[name] = Channel(name, connection)
        connection.subscribe(name)
        return channel

    def _leave(self, channel: Channel, subscription: Subscription) -> None:
        channel.subscriptions.discard(subscription)
        if not channel.subscriptions:
            del self._channels[channel.name]
            channel.connection.unsubscribe(channel.name)

    def _connection(self, valkey: Valkey, number: int) -> PubSubConnection:
        return PubSubConnection(
            valkey,
            on_message=self._receive,
            on_subscribed=self._confirm,
            on_lost=lambda: self._lose(number),
        )

    def _receive(self, name: bytes, message: bytes) -> None:
        if (channel := self._channels.get(name)) is not None:
            channel.receive(message)

    def _confirm(self, name: bytes) -> None:
        if (channel := self._channels.get(name)) is not None:
            channel.confirm()

    def _lose(self, number: int) -> None:
        for channel in self._channels.values():
            if channel.connection is self._connections[number]:
                channel.lose()
