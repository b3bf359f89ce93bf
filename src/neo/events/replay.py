"""What readers get of the past: the last attempt only, or a closed turn told again."""

from collections.abc import Sequence
from uuid import UUID

from neo.events.cursor import Position
from neo.events.entry import Entry
from neo.events.envelope import Chunk, frame
from neo.events.store import EventStore, Page


async def read_on(
    store: EventStore, session_id: UUID, after: Position | None, *, pens_from: Position | None, count: int
) -> Page:
    """Read strictly after a position, without what pens said that a newer pen of the same turn has replaced.

    `pens_from` names a turn and the pen that PostgreSQL knows for it, which may not have said anything yet.
    """
    reaches_cursor, at = None, after
    while True:
        page = await store.page(session_id, at, count)
        reaches_cursor = page.reaches_cursor if reaches_cursor is None else reaches_cursor
        pens = await _newest_pens(store, session_id, page, pens_from)
        entries = [entry for entry in page.entries if entry.position.pen >= pens[entry.position.turn]]
        if entries or page.is_last:
            return Page(entries, page.is_last, reaches_cursor)
        # Nothing of this page counts, so its last turn has a newer pen: go on where that begins.
        turn = page.entries[-1].position.turn
        at = Position(turn, pens[turn], 0)


def retell(turn_no: int, final_pen: int, chunks: Sequence[Chunk]) -> list[Entry]:
    """A closed turn under the pen after its last, always with the same ids: a reader may go on inside it."""
    positions = (Position(turn_no, final_pen + 1, n) for n in range(1, len(chunks) + 1))
    return [
        Entry(position, chunk.kind, frame(position, chunk.encode()))
        for position, chunk in zip(positions, chunks, strict=True)
    ]


async def _newest_pens(
    store: EventStore, session_id: UUID, page: Page, pens_from: Position | None
) -> dict[int, int]:
    # Entries come in order, so the last one of a turn has its newest pen, as far as this page goes.
    pens = {entry.position.turn: entry.position.pen for entry in page.entries}
    if page.entries and not page.is_last:
        turn = page.entries[-1].position.turn
        newest = await store.newest_in_turn(session_id, turn)
        pens[turn] = max(pens[turn], newest.pen if newest else 0)
    if pens_from is not None and pens_from.turn in pens:
        pens[pens_from.turn] = max(pens[pens_from.turn], pens_from.pen)
    return pens
