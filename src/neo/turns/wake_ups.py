"""Words over Valkey's pub/sub to those that drive turns: a turn may be claimed, a turn is to stop.

A word only makes it quick. Whoever it does not reach looks by itself, a little later.
"""

from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

from neo.streams import PubSubConnection, StreamsUnavailable, Valkey

CLAIMABLE = b"neo:turns"
CANCEL = b"neo:cancel"


async def publish_claimable(valkey: Valkey) -> None:
    """Say that some turn may be claimed."""
    with suppress(StreamsUnavailable):
        await valkey.call("PUBLISH", CLAIMABLE, b"")


async def publish_cancel(valkey: Valkey, turn_id: UUID) -> None:
    """Say to whoever drives the turn that it is to stop."""
    with suppress(StreamsUnavailable):
        await valkey.call("PUBLISH", CANCEL, turn_id.bytes)


class WakeUps:
    """Listens; `on_claimable` is called for a turn that may be claimed, `on_cancel` with one that is to stop."""

    def __init__(
        self, valkey: Valkey, *, on_claimable: Callable[[], object], on_cancel: Callable[[UUID], object]
    ) -> None:
        self._on_claimable = on_claimable
        self._on_cancel = on_cancel
        self._connection = PubSubConnection(
            valkey, on_message=self._receive, on_subscribed=_ignore, on_lost=_nothing
        )

    def start(self) -> None:
        self._connection.subscribe(CLAIMABLE)
        self._connection.subscribe(CANCEL)
        self._connection.start()

    async def aclose(self) -> None:
        await self._connection.aclose()

    def _receive(self, channel: bytes, message: bytes) -> None:
        if channel == CLAIMABLE:
            self._on_claimable()
        elif len(message) == 16:  # noqa: PLR2004 - a UUID's bytes.
            self._on_cancel(UUID(bytes=message))


def _ignore(_: bytes) -> None:
    """A confirmed subscription changes nothing: everybody looks by themselves beside it."""


def _nothing() -> None:
    """What is missed while the connection is down is found by looking."""
