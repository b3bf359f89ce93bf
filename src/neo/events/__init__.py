"""The sessions' event streams: what is in them, the events' ids, who may write, and how they are read.

An event's id is `<turn * 65536 + segment * 64 + claim>-<n>`, written explicitly, so ids order and name events even
when the store has lost everything, and a stale writer's append is refused by the store itself. Within a segment the
newest claim counts, and segments add up. Under one claim `n` counts 1, 2, 3, and the first event names the last one of
the segment before: a reader sees any gap. The stream is delivery, not truth: what it loses, its writer writes again
under a new claim, or readers get from PostgreSQL. Frames are encoded once, by the writer, and shared by all.
"""

from neo.events import envelope
from neo.events.entry import (
    REPLAY_CLAIM,
    Entry,
    EventKind,
    InvalidCursor,
    Position,
    frame,
    parse_cursor,
    since_cursor,
)
from neo.events.envelope import Chunk
from neo.events.log import Claims, EventLog, Page
from neo.events.subscription import Subscription
from neo.events.subscriptions import Subscriptions
from neo.events.writer import Fenced, NextClaim, SegmentWriter

__all__ = [
    "REPLAY_CLAIM",
    "Chunk",
    "Claims",
    "Entry",
    "EventKind",
    "EventLog",
    "Fenced",
    "InvalidCursor",
    "NextClaim",
    "Page",
    "Position",
    "SegmentWriter",
    "Subscription",
    "Subscriptions",
    "envelope",
    "frame",
    "parse_cursor",
    "since_cursor",
]
