"""The sessions' event streams in Valkey: append, wake readers, read."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from itertools import chain
from types import MappingProxyType
from typing import Any
from uuid import UUID

import orjson

from neo.events.entry import SEGMENT_IDS, TURN_IDS, WAKE_UP, Entry, Position, kept_entry, stream_key
from neo.events.envelope import Chunk
from neo.events.subscriptions import Subscriptions
from neo.streams import StreamsUnavailable, Valkey

EVENTS_KEPT = 20_000
KEPT_SECONDS = 24 * 3600
KEPT_BYTES = 8 * 1024 * 1024
# One answer of Valkey: a page of ordinary deltas is under 100 KiB.
PAGE_EVENTS = 500
# How far back, in pages, the parts of a segment's earlier claims are looked for: as many events as are kept by default.
PARTS_PAGES_MAX = 40
_PART_BEGINS = (b'{"type":"text-start"', b'{"type":"reasoning-start"')
# One script, so that an append is published exactly if it was written.
_APPEND = (files("neo.events") / "append.lua").read_text()

# The newest claim that counts, by turn and segment.
Claims = Mapping[tuple[int, int], int]
_UNKNOWN: Claims = MappingProxyType({})


class Appended(StrEnum):
    """What became of a batch."""

    APPENDED = "appended"
    # The store has lost what this writer wrote before; nothing was written.
    LOST = "lost"
    # Someone has written beyond this batch; nothing was written.
    FENCED = "fenced"


@dataclass(frozen=True, slots=True)
class Page:
    """What is kept after a position, up to a bound."""

    entries: list[Entry]
    # The stream has, or had when it was read, nothing beyond these.
    is_last: bool
    # Something at or beyond the position is kept; otherwise the store is behind its reader.
    reaches_cursor: bool


class EventLog:
    """On one Valkey, which need not be up. A process that has readers opens `subscriptions` (`async with`) once."""

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
        self._valkey = valkey
        self._append = valkey.script(_APPEND)
        self._retention = ("=" if trims_exactly else "~", events_kept, kept_seconds, kept_bytes)
        self.subscriptions = Subscriptions(valkey) if subscriptions is None else subscriptions

    async def append(
        self,
        session_id: UUID,
        batch: Sequence[tuple[Position, Chunk]],
        *,
        predecessor: Position | None,
        after: Position | None = None,
    ) -> Appended:
        """Append a claim's next events. Its first batch has no predecessor, and says what its segment comes after."""
        key = stream_key(session_id)
        events = chain.from_iterable((str(at), chunk.kind.value, chunk.encode()) for at, chunk in batch)
        expected = "" if predecessor is None else str(predecessor)
        words = [key, expected, *self._retention, "" if after is None else str(after), *events]
        answer: bytes = await self._append(keys=[key], words=words)
        return Appended(answer.decode())

    async def wake_readers(self, session_id: UUID | str) -> None:
        """Have the session's readers look at PostgreSQL. A reader that is not reached looks by itself, later."""
        with suppress(StreamsUnavailable):
            await self._valkey.call("PUBLISH", stream_key(session_id), WAKE_UP)

    async def drop(self, session_id: UUID) -> None:
        await self._valkey.call("UNLINK", stream_key(session_id))

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
            page = await self._page(session_id, at, count)
            reaches_cursor = page.reaches_cursor if reaches_cursor is None else reaches_cursor
            claims = await self._newest_claims(session_id, page, claims_known)
            entries = [entry for entry in page.entries if entry.position.claim >= claims[entry.position[:2]]]
            if entries or page.is_last:
                return Page(entries, page.is_last, reaches_cursor)
            # Nothing of this page counts, so its last segment has a newer claim: go on where that begins.
            segment = page.entries[-1].position[:2]
            at = Position(*segment, claims[segment], 0)

    async def newest_in_turn(self, session_id: UUID, turn_no: int) -> Position | None:
        """The last kept event of a turn."""
        return await self._newest(session_id, turn_no * TURN_IDS, TURN_IDS)

    async def has_beyond(self, positions: Sequence[tuple[UUID, Position | None]]) -> list[bool]:
        """Of each session, whether anything is kept beyond a position; one question for all."""
        asked = [
            ("XRANGE", stream_key(session_id), "-" if at is None else f"({at}", "+", "COUNT", 1)
            for session_id, at in positions
        ]
        return [bool(kept) for kept in await self._valkey.call_all(asked)]

    async def parts_begun(self, session_id: UUID, claim: Position) -> list[str]:
        """The ids of the parts that earlier claims of its segment have begun, as far as they are kept."""
        begun: list[str] = []
        last = claim.turn * TURN_IDS + claim.segment * SEGMENT_IDS + claim.claim - 1
        at = f"{last - claim.claim + 1}"
        for _ in range(PARTS_PAGES_MAX):
            kept = await self._range(session_id, at, f"{last}", PAGE_EVENTS)
            begun.extend(_part_of(payload) for _, (*_, payload) in kept if payload.startswith(_PART_BEGINS))
            if len(kept) < PAGE_EVENTS:
                break
            at = "(" + kept[-1][0].decode()
        return begun

    async def _page(self, session_id: UUID, after: Position | None, count: int) -> Page:
        """Read strictly after a position. The same answer says whether that position is still kept."""
        first = "-" if after is None else str(after)
        kept = await self._range(session_id, first, "+", count + 1)
        entries = [kept_entry(event_id, fields) for event_id, fields in kept]
        is_last = len(entries) <= count
        reaches = bool(entries)
        if entries and entries[0].position == after:
            del entries[0]
        return Page(entries, is_last, reaches)

    async def _newest_claims(
        self, session_id: UUID, page: Page, claims_known: Claims
    ) -> dict[tuple[int, int], int]:
        # Entries come in order, so the last one of a segment has its newest claim, as far as this page goes.
        claims = {entry.position[:2]: entry.position.claim for entry in page.entries}
        if page.entries and not page.is_last:
            # What it has under a newer claim may be on a later page.
            segment = turn_no, number = page.entries[-1].position[:2]
            newest = await self._newest(session_id, turn_no * TURN_IDS + number * SEGMENT_IDS, SEGMENT_IDS)
            claims[segment] = max(claims[segment], newest.claim if newest else 0)
        for segment, claim in claims_known.items():
            if segment in claims:
                claims[segment] = max(claims[segment], claim)
        return claims

    async def _newest(self, session_id: UUID, first: int, ids: int) -> Position | None:
        found = await self._valkey.call(
            "XREVRANGE", stream_key(session_id), first + ids - 1, first, "COUNT", 1
        )
        return Position.of_id(found[0][0].decode()) if found else None

    async def _range(
        self, session_id: UUID, first: str, last: str, count: int
    ) -> list[tuple[bytes, list[bytes]]]:
        kept: list[tuple[bytes, list[bytes]]] = await self._valkey.call(
            "XRANGE", stream_key(session_id), first, last, "COUNT", count
        )
        return kept


def _part_of(payload: bytes) -> str:
    chunk: dict[str, Any] = orjson.loads(payload)
    return str(chunk["id"])
