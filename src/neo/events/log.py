"""The events' front: writers of turns, and readers of sessions."""

from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from neo.events.cursor import Position
from neo.events.entry import Entry
from neo.events.envelope import Chunk, frame
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
        """Read strictly after a position, without what older claims wrote where the same turn has a newer claim.

        `claims_from` names a turn and the claim that PostgreSQL knows for it, which may not have written anything yet.
        """
        reaches_cursor, at = None, after
        while True:
            page = await self._store.page(session_id, at, count)
            reaches_cursor = page.reaches_cursor if reaches_cursor is None else reaches_cursor
            claims = await self._newest_claims(session_id, page, claims_from)
            entries = [entry for entry in page.entries if entry.position.claim >= claims[entry.position.turn]]
            if entries or page.is_last:
                return Page(entries, page.is_last, reaches_cursor)
            # Nothing of this page counts, so its last turn has a newer claim: go on where that begins.
            turn = page.entries[-1].position.turn
            at = Position(turn, claims[turn], 0)

    async def has_beyond(self, positions: Sequence[tuple[UUID, Position | None]]) -> list[bool]:
        """Of each session, whether anything is kept beyond a position; one question for all."""
        return await self._store.has_beyond(positions)

    async def newest_in_turn(self, session_id: UUID, turn_no: int) -> Position | None:
        return await self._store.newest_in_turn(session_id, turn_no)

    async def _newest_claims(
        self, session_id: UUID, page: Page, claims_from: Position | None
    ) -> dict[int, int]:
        # Entries come in order, so the last one of a turn has its newest claim, as far as this page goes.
        claims = {entry.position.turn: entry.position.claim for entry in page.entries}
        if page.entries and not page.is_last:
            turn = page.entries[-1].position.turn
            newest = await self._store.newest_in_turn(session_id, turn)
            claims[turn] = max(claims[turn], newest.claim if newest else 0)
        if claims_from is not None and claims_from.turn in claims:
            claims[claims_from.turn] = max(claims[claims_from.turn], claims_from.claim)
        return claims


def replayed(turn_no: int, final_claim: int, chunks: Sequence[Chunk]) -> list[Entry]:
    """A turn that has ended, under the claim after its last. Its ids never change: a reader may resume in it."""
    positions = (Position(turn_no, final_claim + 1, n) for n in range(1, len(chunks) + 1))
    return [
        Entry(position, chunk.kind, frame(position, chunk.encode()))
        for position, chunk in zip(positions, chunks, strict=True)
    ]
