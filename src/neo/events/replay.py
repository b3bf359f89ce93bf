"""What readers get of the past: only what counts of a stream, or a turn that has ended replayed from PostgreSQL."""

from collections.abc import Sequence
from uuid import UUID

from neo.events.cursor import Position
from neo.events.entry import Entry
from neo.events.envelope import Chunk, frame
from neo.events.store import EventStore, Page


async def read_on(
    store: EventStore, session_id: UUID, after: Position | None, *, claims_from: Position | None, count: int
) -> Page:
    """Read strictly after a position, without what older claims wrote where the same turn has a newer claim.

    `claims_from` names a turn and the claim that PostgreSQL knows for it, which may not have written anything yet.
    """
    reaches_cursor, at = None, after
    while True:
        page = await store.page(session_id, at, count)
        reaches_cursor = page.reaches_cursor if reaches_cursor is None else reaches_cursor
        claims = await _newest_claims(store, session_id, page, claims_from)
        entries = [entry for entry in page.entries if entry.position.claim >= claims[entry.position.turn]]
        if entries or page.is_last:
            return Page(entries, page.is_last, reaches_cursor)
        # Nothing of this page counts, so its last turn has a newer claim: go on where that begins.
        turn = page.entries[-1].position.turn
        at = Position(turn, claims[turn], 0)


def replayed(turn_no: int, final_claim: int, chunks: Sequence[Chunk]) -> list[Entry]:
    """A turn that has ended, under the claim after its last. Its ids never change: a reader may resume in it."""
    positions = (Position(turn_no, final_claim + 1, n) for n in range(1, len(chunks) + 1))
    return [
        Entry(position, chunk.kind, frame(position, chunk.encode()))
        for position, chunk in zip(positions, chunks, strict=True)
    ]


async def _newest_claims(
    store: EventStore, session_id: UUID, page: Page, claims_from: Position | None
) -> dict[int, int]:
    # Entries come in order, so the last one of a turn has its newest claim, as far as this page goes.
    claims = {entry.position.turn: entry.position.claim for entry in page.entries}
    if page.entries and not page.is_last:
        turn = page.entries[-1].position.turn
        newest = await store.newest_in_turn(session_id, turn)
        claims[turn] = max(claims[turn], newest.claim if newest else 0)
    if claims_from is not None and claims_from.turn in claims:
        claims[claims_from.turn] = max(claims[claims_from.turn], claims_from.claim)
    return claims
