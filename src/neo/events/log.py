"""The events' front: writers of turns, and readers of sessions."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from uuid import UUID

from neo.events.entry import REPLAY_CLAIM, Entry, Position, frame
from neo.events.envelope import Chunk
from neo.events.store import EVENTS_KEPT, KEPT_BYTES, KEPT_SECONDS, PAGE_EVENTS, EventStore, Page
from neo.events.subscription import Subscription
from neo.events.subscriptions import Subscriptions
from neo.events.transcript_buffer import TranscriptBuffer
from neo.events.writer import NextClaim, SegmentWriter
from neo.streams import StreamsUnavailable, Valkey

# The newest claim that counts, by turn and segment.
Claims = Mapping[tuple[int, int], int]
_UNKNOWN: Claims = MappingProxyType({})


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

    def writer(
        self,
        session_id: UUID,
        turn_no: int,
        segment: int,
        claim: int,
        *,
        after: Position | None,
        next_claim: NextClaim,
        step: int | None = None,
    ) -> SegmentWriter:
        """The writer of one segment. `after` is the last event of the segment before, as it was settled.

        `step` is the number of this segment's step among the turn's, from 1; needed where it has a `start-step`.
        """
        buffer = TranscriptBuffer(turn_no, segment, after=after, step=step)
        return SegmentWriter(self._store, session_id, buffer, claim, next_claim=next_claim)

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
        claims_known: Claims = _UNKNOWN,
        count: int = PAGE_EVENTS,
    ) -> Page:
        """Read strictly after a position, without what older claims wrote where the same segment has a newer claim.

        `claims_known` are from PostgreSQL: such a claim may not have written anything yet.
        """
        reaches_cursor, at = None, after
        while True:
            page = await self._store.page(session_id, at, count)
            reaches_cursor = page.reaches_cursor if reaches_cursor is None else reaches_cursor
            claims = await self._newest_claims(session_id, page, claims_known)
            entries = [entry for entry in page.entries if entry.position.claim >= claims[entry.position[:2]]]
            if entries or page.is_last:
                return Page(entries, page.is_last, reaches_cursor)
            # Nothing of this page counts, so its last segment has a newer claim: go on where that begins.
            segment = page.entries[-1].position[:2]
            at = Position(*segment, claims[segment], 0)

    async def has_beyond(self, positions: Sequence[tuple[UUID, Position | None]]) -> list[bool]:
        """Of each session, whether anything is kept beyond a position; one question for all."""
        return await self._store.has_beyond(positions)

    async def newest_in_turn(self, session_id: UUID, turn_no: int) -> Position | None:
        return await self._store.newest_in_turn(session_id, turn_no)

    async def _newest_claims(
        self, session_id: UUID, page: Page, claims_known: Claims
    ) -> dict[tuple[int, int], int]:
        # Entries come in order, so the last one of a segment has its newest claim, as far as this page goes.
        claims = {entry.position[:2]: entry.position.claim for entry in page.entries}
        if page.entries and not page.is_last:
            segment = page.entries[-1].position[:2]
            newest = await self._store.newest_in_segment(session_id, *segment)
            claims[segment] = max(claims[segment], newest.claim if newest else 0)
        for segment, claim in claims_known.items():
            if segment in claims:
                claims[segment] = max(claims[segment], claim)
        return claims


def replayed(turn_no: int, segment: int, chunks: Sequence[Chunk]) -> list[Entry]:
    """A settled segment, as it is replayed. Its ids never change: a reader may resume in it."""
    positions = (Position(turn_no, segment, REPLAY_CLAIM, n) for n in range(1, len(chunks) + 1))
    return [
        Entry(position, chunk.kind, frame(position, chunk.encode()))
        for position, chunk in zip(positions, chunks, strict=True)
    ]
