"""The events' front: writers of turns, and readers of sessions."""

from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from neo.events.cursor import Position
from neo.events.replay import read_on
from neo.events.store import EVENTS_KEPT, KEPT_BYTES, KEPT_SECONDS, PAGE_EVENTS, EventStore, Page
from neo.events.subscription import Subscription
from neo.events.subscriptions import Subscriptions
from neo.events.writer import NextClaim, TurnWriter
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
        subscriptions: Subscriptions | None = None,
    ) -> None:
        self._store = EventStore(
            valkey,
            events_kept=events_kept,
            kept_seconds=kept_seconds,
            kept_bytes=kept_bytes,
            trims_exactly=trims_exactly,
        )
        self._subscriptions = Subscriptions(valkey) if subscriptions is None else subscriptions

    def writer(self, session_id: UUID, turn_no: int, *, next_claim: NextClaim) -> TurnWriter:
        return TurnWriter(self._store, session_id, turn_no, next_claim=next_claim)

    async def wake_readers(self, session_id: UUID | str) -> None:
        """Have the session's readers look at PostgreSQL. A reader that is not reached looks by itself, later."""
        with suppress(StreamsUnavailable):
            await self._store.wake_readers(session_id)

    def subscriptions(self) -> Subscriptions:
        """What `subscribe` needs: open it (`async with`) once in each process that serves readers."""
        return self._subscriptions

    async def subscribe(self, session_id: UUID) -> Subscription:
        return await self._subscriptions.subscribe(session_id)

    async def read_on(
        self,
        session_id: UUID,
        after: Position | None,
        *,
        claims_from: Position | None = None,
        count: int = PAGE_EVENTS,
    ) -> Page:
        return await read_on(self._store, session_id, after, claims_from=claims_from, count=count)

    async def has_beyond(self, positions: Sequence[tuple[UUID, Position | None]]) -> list[bool]:
        """Of each session, whether anything is kept beyond a position; one question for all."""
        return await self._store.has_beyond(positions)

    async def newest_in_turn(self, session_id: UUID, turn_no: int) -> Position | None:
        return await self._store.newest_in_turn(session_id, turn_no)
