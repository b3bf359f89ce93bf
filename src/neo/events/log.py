"""All of events in one hand: who writes a turn, and who reads a session."""

from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from neo.events.channel import Since
from neo.events.cursor import Position
from neo.events.replay import read_on
from neo.events.store import EVENTS_KEPT, KEPT_BYTES, KEPT_SECONDS, PAGE_EVENTS, EventStore, Page
from neo.events.subscriptions import Hub, Watching
from neo.events.writer import ClaimPen, TurnWriter
from neo.streams import StreamsUnavailable, Valkey


class EventLog:
    """The sessions' event streams on one Valkey, which need not be up."""

    def __init__(
        self,
        valkey: Valkey,
        *,
        events_kept: int = EVENTS_KEPT,
        kept_seconds: int = KEPT_SECONDS,
        kept_bytes: int = KEPT_BYTES,
        trims_exactly: bool = False,
        hub: Hub | None = None,
    ) -> None:
        self._store = EventStore(
            valkey,
            events_kept=events_kept,
            kept_seconds=kept_seconds,
            kept_bytes=kept_bytes,
            trims_exactly=trims_exactly,
        )
        self._hub = Hub(valkey) if hub is None else hub

    def writer(self, session_id: UUID, turn_no: int, *, claim_pen: ClaimPen) -> TurnWriter:
        return TurnWriter(self._store, session_id, turn_no, claim_pen=claim_pen)

    async def nudge(self, session_id: UUID | str) -> None:
        """Tell the session's readers to look at PostgreSQL. Whoever is not reached looks by itself, later."""
        with suppress(StreamsUnavailable):
            await self._store.nudge(session_id)

    def hub(self) -> Hub:
        """What `watch` needs: open it (`async with`) once in each process that serves readers."""
        return self._hub

    def since(self, session_id: UUID) -> Since | None:
        """From now on, if the session is heard here already."""
        return self._hub.since(session_id)

    def expect(self, session_id: UUID) -> None:
        """Somebody is likely to watch the session in a moment."""
        self._hub.expect(session_id)

    def watch(self, session_id: UUID) -> Watching:
        return self._hub.watch(session_id)

    async def read_on(
        self,
        session_id: UUID,
        after: Position | None,
        *,
        pens_from: Position | None = None,
        count: int = PAGE_EVENTS,
    ) -> Page:
        return await read_on(self._store, session_id, after, pens_from=pens_from, count=count)

    async def has_beyond(self, places: Sequence[tuple[UUID, Position | None]]) -> list[bool]:
        """Of each session, whether anything is kept beyond a position; one question for all."""
        return await self._store.has_beyond(places)

    async def newest_in_turn(self, session_id: UUID, turn_no: int) -> Position | None:
        return await self._store.newest_in_turn(session_id, turn_no)
