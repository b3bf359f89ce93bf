"""The sessions' event streams: what is said, its ids, who may write it, and how it is read.

An event's id is `<turn * 65536 + pen>-<n>`, written explicitly, so ids order and name events even when the
store has lost everything, and a stale writer's append is refused by the store itself. Under one pen `n`
counts 1, 2, 3: a reader sees any gap. The stream is delivery, not truth: what it loses, its writer says again
under a new pen, or readers get from PostgreSQL. Frames are encoded once, by the writer, and shared by all.
"""

from neo.events import envelope
from neo.events.channel import Since
from neo.events.cursor import InvalidCursor, Position, parse_cursor, since_cursor
from neo.events.entry import Entry
from neo.events.envelope import Chunk, EventKind
from neo.events.errors import Fenced
from neo.events.log import EventLog
from neo.events.replay import retell
from neo.events.store import Page
from neo.events.subscription import Watch
from neo.events.subscriptions import Hub
from neo.events.writer import ClaimPen, TurnWriter

__all__ = [
    "Chunk",
    "ClaimPen",
    "Entry",
    "EventKind",
    "EventLog",
    "Fenced",
    "Hub",
    "InvalidCursor",
    "Page",
    "Position",
    "Since",
    "TurnWriter",
    "Watch",
    "envelope",
    "parse_cursor",
    "retell",
    "since_cursor",
]
