"""Stopping turns: one of them, or a whole session."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import Principal
from neo.db import Database
from neo.events import EventLog
from neo.sessions import ChatSession, SessionStore, check_writable
from neo.streams import Valkey
from neo.telemetry import turn_metrics
from neo.turns.end import Ending, age_seconds, end_within
from neo.turns.models import ChatTurn, ToolCallRow, TurnStatus
from neo.turns.store import TurnStore
from neo.turns.temporal.contract import TurnInput
from neo.turns.wake_ups import publish_cancel, publish_claimable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stopped(Generic[T]):
    what: T
    unsettled_calls: Sequence[ToolCallRow]
    """What could not be taken back; none where readers are not shown calls."""


class Canceller:
    """Durable first: what is accepted here holds, whoever dies next. Then quick: a word to whoever runs it."""

    def __init__(self, database: Database, valkey: Valkey, events: EventLog) -> None:
        self._database = database
        self._valkey = valkey
        self._events = events

    async def cancel(self, caller: Principal, session_id: UUID, turn_id: UUID) -> Stopped[ChatTurn]:
        """A queued turn ends at once and is never told; a running one stops. One that has ended stays as it is."""
        async with self._database.transaction(caller.tenant_id) as db:
            session = await SessionStore(db, caller.tenant_id).lock(session_id)
            check_writable(caller, session)
            turns = TurnStore(db, caller.tenant_id)
            turn = await turns.lock(session_id, turn_id)
            ended = await _stop(db, turn)
            await db.refresh(turn)
            left = await _left(turns, session, [turn])
        _count([ended])
        await self._publish([turn], session_id)
        return Stopped(turn, left)

    async def archive(self, caller: Principal, session_id: UUID) -> Stopped[ChatSession]:
        """Archive the session and stop all of its turns, so that none is claimed any more; twice is as once."""
        async with self._database.transaction(caller.tenant_id) as db:
            sessions = SessionStore(db, caller.tenant_id)
            session = await sessions.lock(session_id)
            check_writable(caller, session)
            await sessions.archive(session)
            turns = TurnStore(db, caller.tenant_id)
            open_turns = await turns.lock_open(session_id)
            ended = [await _stop(db, turn) for turn in open_turns]
            left = await _left(turns, session, open_turns)
        _count(ended)
        await self._publish(list(open_turns), session_id)
        return Stopped(session, left)

    async def _publish(self, stopped: list[ChatTurn], session_id: UUID) -> None:
        for turn in stopped:
            if turn.status == TurnStatus.RUNNING:
                await publish_cancel(self._valkey, turn.id)
        await self._events.wake_readers(session_id)
        # The turn that one of them was before.
        await publish_claimable(self._valkey)


async def _stop(db: AsyncSession, turn: ChatTurn) -> ChatTurn | None:
    """The turn as it ended, if nobody drives it; otherwise whoever drives it ends it."""
    if not turn.is_open:
        return None
    turns = TurnStore(db, turn.tenant_id)
    if await turns.is_driven(turn.id):
        await turns.request_cancel(turn.id)
        return None
    named = TurnInput(str(turn.tenant_id), str(turn.session_id), str(turn.id))
    return await end_within(db, named, Ending.unwritten(TurnStatus.CANCELLED, turn))


async def _left(turns: TurnStore, session: ChatSession, stopped: Sequence[ChatTurn]) -> Sequence[ToolCallRow]:
    # A turn that was never begun has no calls.
    begun = [turn.id for turn in stopped if turn.started_at is not None]
    return await turns.unsettled_calls(begun) if begun and session.shows_progress else ()


def _count(ended: list[ChatTurn | None]) -> None:
    for turn in ended:
        if turn is not None:
            turn_metrics.ended(TurnStatus.CANCELLED, age_seconds(turn))
