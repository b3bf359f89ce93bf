"""Asking a session's newest message again: a new turn, whose reply supersedes the older one."""

from dataclasses import dataclass
from uuid import UUID, uuid4

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import Author, Principal
from neo.chat.errors import ExecutionNotRetryable, TooManyQueuedTurns, TurnQueueFull
from neo.chat.posting.refusing import QUEUE_RETRY_SECONDS
from neo.chat.posting.session_access import lock_session_access
from neo.chat.posting.submit import QueueBounds
from neo.db import Database, call_within
from neo.events import since_cursor
from neo.streams import Valkey
from neo.turns.leases.places import Places
from neo.turns.wake_ups import publish_claimable


@dataclass(frozen=True)
class Retried:
    turn_id: UUID
    session_id: UUID
    since_cursor: str


class Retrier:
    """By the rules for posting: who may talk in the session now may have it answered again."""

    def __init__(self, database: Database, valkey: Valkey, places: Places, bounds: QueueBounds) -> None:
        self._database = database
        self._valkey = valkey
        self._places = places
        self._bounds = bounds

    async def retry(self, caller: Principal, session_id: UUID, turn_id: UUID) -> Retried:
        """Raises `ExecutionNotRetryable` unless the turn is the session's newest and has ended."""
        asked = {"id": uuid4(), "reply_message_id": uuid4(), **Author.of(caller).columns()}
        async with self._database.transaction(caller.tenant_id) as db:
            access = await lock_session_access(db, caller.tenant_id, session_id)
            access.check(caller)
            access.check_open()
            await self._check_room(db, caller, session_id)
            row = orjson.dumps(asked, default=str).decode()
            stored = await call_within(db, "neo_retry_turn", caller.tenant_id, session_id, turn_id, row)
            if not stored:
                raise ExecutionNotRetryable(
                    "Only the newest turn of a session can be asked again, and only once it has ended."
                )
        self._places.look.set()
        await publish_claimable(self._valkey)
        return Retried(UUID(str(asked["id"])), session_id, since_cursor(stored[0]["turn_no"]))

    async def _check_room(self, db: AsyncSession, caller: Principal, session_id: UUID) -> None:
        [found] = await call_within(db, "neo_open_turns", caller.tenant_id, session_id, None)
        if found["open_turns"] >= self._bounds.of_session(caller):
            raise TurnQueueFull(f"{found['open_turns']} turns of this session are open: wait for one to end.")
        undriven_max = self._bounds.of_tenant(caller)
        if undriven_max:
            [undriven] = await call_within(db, "neo_has_undriven", caller.tenant_id, undriven_max)
            if undriven[0]:
                raise TooManyQueuedTurns(
                    f"{undriven_max} turns wait in this organisation: wait for some to end.",
                    retry_after_seconds=QUEUE_RETRY_SECONDS,
                )
