"""How a running turn learns that it was cancelled: over Valkey's pub/sub at once, and from its row in any
case.

The row is the truth. The message over Valkey makes it quick; polling makes it sure, with Valkey or Temporal
away.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

import structlog

from neo.db import Database, DatabaseUnavailable
from neo.streams import PubSubConnection, StreamsUnavailable, Valkey

log = structlog.get_logger()

CHANNEL = b"neo:cancel"
# An answer is to stop within a second, whatever is away: one query for all turns of a worker.
POLL_SECONDS = 0.5


async def publish_cancel(valkey: Valkey, turn_id: UUID) -> None:
    """Tell the worker that runs the turn, wherever that is. A worker that this does not reach polls soon."""
    with suppress(StreamsUnavailable):
        await valkey.call("PUBLISH", CHANNEL, turn_id.bytes)


class Cancellations:
    """The running turns of one worker, and which of them are to stop."""

    def __init__(self, database: Database, valkey: Valkey) -> None:
        self._database = database
        self._watched: dict[UUID, asyncio.Event] = {}
        self._connection = PubSubConnection(
            valkey, on_message=self._receive, on_subscribed=_ignore, on_lost=_nothing
        )

    @contextmanager
    def watching(self, turn_id: UUID) -> Iterator[asyncio.Event]:
        """An event that is set once the turn is to stop."""
        cancelled = self._watched[turn_id] = asyncio.Event()
        try:
            yield cancelled
        finally:
            if self._watched.get(turn_id) is cancelled:
                del self._watched[turn_id]

    async def run(self) -> None:
        self._connection.subscribe(CHANNEL)
        self._connection.start()
        try:
            while True:
                await asyncio.sleep(POLL_SECONDS)
                await self._poll()
        finally:
            await self._connection.aclose()

    async def _poll(self) -> None:
        if not self._watched:
            return
        try:
            found = await self._database.call("neo_cancelled_turns", list(self._watched))
        except DatabaseUnavailable:
            log.debug("cancellations_wait_for_database")
            return
        for row in found:
            self._stop(row["id"])

    def _receive(self, _: bytes, message: bytes) -> None:
        if len(message) == 16:  # noqa: PLR2004 - a UUID's bytes.
            self._stop(UUID(bytes=message))

    def _stop(self, turn_id: UUID) -> None:
        if (cancelled := self._watched.get(turn_id)) is not None:
            cancelled.set()


def _ignore(_: bytes) -> None:
    """A confirmed subscription changes nothing: polling goes on beside it."""


def _nothing() -> None:
    """Polling finds what is missed while the connection is down."""
