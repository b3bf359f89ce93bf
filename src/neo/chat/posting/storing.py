"""A message and its turn, stored: alone under the session's lock, or with all others of the same moment."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import Author
from neo.attachments import Inspected
from neo.chat.posting.draft import Draft
from neo.chat.posting.session_access import SessionAccess
from neo.db import Database, DatabaseUnavailable, call_within
from neo.events import since_cursor
from neo.kit import Batcher
from neo.sessions import title_of
from neo.telemetry import traces
from neo.turns.leases.claim import LEASE

log = structlog.get_logger()

ACCEPT = "neo_accept_messages"
# Stored by one statement: of the longest, 32 MB. What is over it goes with the next one.
MESSAGES_MAX = 32

# The turn's id, and the row as JSON.
Written = tuple[UUID, str]


@dataclass(frozen=True)
class QueuedBehind:
    """The first open turn of the session, and the turns until it is this one's time: 1 comes right after it."""

    turn_id: UUID
    waiting_for: str | None
    position: int


@dataclass(frozen=True)
class Accepted:
    """What was stored."""

    user_message_id: UUID
    turn_id: UUID
    since_cursor: str
    show_agent_progress_steps: bool | None
    # None where no turn of the session was open.
    queued_behind: QueuedBehind | None
    # What its driver needs, if it was claimed as well.
    claimed: asyncpg.Record | None


@dataclass(frozen=True)
class Submission:
    """A message to be stored; its ids are its own, however often that is tried."""

    tenant_id: UUID
    session_id: UUID
    draft: Draft
    author: Author | None = None
    turn_id: UUID = field(default_factory=uuid4)
    user_message_id: UUID = field(default_factory=uuid4)
    reply_message_id: UUID = field(default_factory=uuid4)

    def row(
        self,
        open_turns_max: int,
        *,
        undriven_max: int = 0,
        version: str | None = None,
        is_claimed: bool = False,
        inspected: Sequence[Inspected] = (),
    ) -> dict[str, Any]:
        """The row to store. It is refused if the session has another version, or `open_turns_max` open turns, or if its
        turn would have to wait and `undriven_max` of the tenant's do.

        With `is_claimed` its turn is claimed as well, if nothing that came before it waits.
        """
        return {
            "tenant_id": self.tenant_id,
            "session_id": self.session_id,
            "version": version,
            "open_turns_max": open_turns_max,
            "undriven_max": undriven_max,
            "title": title_of(self.draft.message),
            "turn_id": self.turn_id,
            "user_message_id": self.user_message_id,
            "reply_message_id": self.reply_message_id,
            "model_tier": self.draft.model_tier,
            "parts": _parts(self.draft, inspected),
            "client_message_id": self.draft.client_message_id,
            "draft_digest": self.draft.digest().hex(),
            "traceparent": traces.traceparent(),
            "lease_id": uuid4() if is_claimed else None,
            "lease": f"{LEASE.total_seconds()} seconds",
            **(self.author.columns() if self.author else {}),
        }

    def accepted(self, access: SessionAccess, stored: asyncpg.Record) -> Accepted:
        return Accepted(
            self.user_message_id,
            self.turn_id,
            since_cursor(stored["turn_no"]),
            access.show_agent_progress_steps,
            _queued_behind(stored),
            stored["claimed"] if stored["claimed"] and stored["claimed"]["id"] else None,
        )


def _queued_behind(stored: asyncpg.Record) -> QueuedBehind | None:
    position: int = stored["open_turns"]
    if not position:
        return None
    # The driver's UUIDs are not the library's.
    return QueuedBehind(UUID(str(stored["first_id"])), stored["first_waiting_for"], position)


async def store_alone(db: AsyncSession, row: dict[str, Any]) -> asyncpg.Record | None:
    """None if too many turns are open, here or in the whole tenant."""
    found = await call_within(db, ACCEPT, _list_of([_written(row)]))
    return found[0] if found else None


class Storage:
    """Stores together what comes in the same moment; nobody waits for others to come, nor for another's lock."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._store = Batcher(
            self._stored, most=MESSAGES_MAX, name="store-messages", silence=DatabaseUnavailable
        )

    async def store(self, row: dict[str, Any]) -> asyncpg.Record | None:
        """None if it was not stored: why, is found out alone."""
        # Written here, where what cannot be written fails nobody else.
        return await self._store((row["turn_id"], _written(row)))

    async def _stored(self, written: list[Written]) -> list[asyncpg.Record | None]:
        try:
            stored = await self._database.call(ACCEPT, _list_of([row for _, row in written]))
        except asyncpg.PostgresError as error:
            # One of them cannot be stored, and so none was.
            log.warning("messages_not_stored_together", messages=len(written), reason=type(error).__name__)
            return [None] * len(written)
        found = {one["turn_id"]: one for one in stored}
        return [found.get(turn_id) for turn_id, _ in written]


def _written(row: dict[str, Any]) -> str:
    # The driver's UUIDs are not the library's.
    return orjson.dumps(row, default=str).decode()


def _list_of(rows: list[str]) -> str:
    return f"[{','.join(rows)}]"


def _parts(draft: Draft, inspected: Sequence[Inspected]) -> list[dict[str, Any]]:
    """Where an attachment is read is told anew each time, so only which one it is is stored."""
    said = [{"type": "text", "text": draft.message}] if draft.message or not inspected else []
    return [*said, *({"type": "file", "attachment_id": str(one.attachment.id)} for one in inspected)]
