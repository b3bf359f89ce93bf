"""How a running turn hears that it was cancelled: by a word over Valkey at once, and from PostgreSQL anyway.

The row is the truth. The word makes it quick; the look makes it sure, with Valkey or Temporal away.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

import structlog

from neo.db import Database, DatabaseUnavailable
from neo.streams import Line, StreamsUnavailable, Valkey

log = structlog.get_logger()

CHANNEL = b"neo:cancel"
# An answer is to stop within a second, whatever is away: one query a worker for all its turns.
LOOK_SECONDS = 0.5
ASKED = "SELECT id FROM neo_cancelled_turns($1) AS asked (id)"


async def spread(valkey: Valkey, turn_id: UUID) -> None:
    """Tell the worker that runs it, wherever that is. Whoever is not reached looks by itself, soon."""
    with suppress(StreamsUnavailable):
        await valkey.call("PUBLISH", CHANNEL, turn_id.bytes)


class Cancellations:
    """One worker's running turns, and which of them were told to stop."""

    def __init__(self, database: Database, valkey: Valkey) -> None:
        self._database = database
        self._watched: dict[UUID, asyncio.Event] = {}
        self._line = Line(valkey, on_message=self._hear, on_heard=_ignore, on_lost=_nothing)

    @contextmanager
    def watching(self, turn_id: UUID) -> Iterator[asyncio.Event]:
        """An event that is set once the turn is to stop."""
        asked = self._watched[turn_id] = asyncio.Event()
        try:
            yield asked
        finally:
            if self._watched.get(turn_id) is asked:
                del self._watched[turn_id]

    async def run(self) -> None:
        self._line.subscribe(CHANNEL)
        self._line.start()
        try:
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                await self._look()
        finally:
            await self._line.aclose()

    async def _look(self) -> None:
        if not self._watched:
            return
        try:
            found = await self._database.look_up(ASKED, list(self._watched))
        except DatabaseUnavailable:
            log.debug("cancellations_wait_for_database")
            return
        for row in found:
            self._stop(row["id"])

    def _hear(self, _: bytes, message: bytes) -> None:
        if len(message) == 16:  # noqa: PLR2004 - a UUID's bytes.
            self._stop(UUID(bytes=message))

    def _stop(self, turn_id: UUID) -> None:
        if (asked := self._watched.get(turn_id)) is not None:
            asked.set()


def _ignore(_: bytes) -> None:
    """That the channel is heard changes nothing: the look goes on beside it."""


def _nothing() -> None:
    """What is missed while the line is down, the look finds."""
