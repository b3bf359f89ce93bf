"""Stopping turns: one of them, or a whole session."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import Principal
from neo.db import Database
from neo.events import EventLog
from neo.sessions import ChatSession, SessionStore, check_writable
from neo.streams import Valkey
from neo.telemetry import turn_metrics
from neo.turns.cancellations import publish_cancel
from neo.turns.end import Ending, end_within
from neo.turns.models import ChatTurn, TurnStatus
from neo.turns.starting.start import TurnStarter
from neo.turns.store import TurnStore
from neo.turns.temporal.contract import TurnInput


class Canceller:
    """Durable first: what is accepted here holds, whoever dies next. Then quick: a word to whoever runs it."""

    def __init__(self, database: Database, valkey: Valkey, events: EventLog, starter: TurnStarter) -> None:
        self._database = database
        self._valkey = valkey
        self._events = events
        self._starter = starter

    async def cancel(self, caller: Principal, session_id: UUID, turn_id: UUID) -> ChatTurn:
        """A queued turn ends at once and is never told; a running one stops. One that has ended stays as it is."""
        async with self._database.transaction(caller.tenant_id) as db:
            session = await SessionStore(db, caller.tenant_id).lock(session_id)
            check_writable(caller, session)
            turns = TurnStore(db, caller.tenant_id)
            turn = await turns.lock(session_id, turn_id)
            ended = await _stop(db, turn)
            await db.refresh(turn)
            following = await turns.find_first_open(session_id)
        _count([ended])
        await self._tell([turn], session_id, following)
        return turn

    async def reset(self, caller: Principal, session_id: UUID) -> ChatSession:
        """Archive the session and stop all of its turns; resetting it again changes nothing."""
        async with self._database.transaction(caller.tenant_id) as db:
            sessions = SessionStore(db, caller.tenant_id)
            session = await sessions.lock(session_id)
            check_writable(caller, session)
            await sessions.archive(session)
            open_turns = await TurnStore(db, caller.tenant_id).lock_open(session_id)
            ended = [await _stop(db, turn) for turn in open_turns]
        _count(ended)
        await self._tell(list(open_turns), session_id, None)
        return session

    async def _tell(self, stopped: list[ChatTurn], session_id: UUID, following: ChatTurn | None) -> None:
        for turn in stopped:
            if turn.status == TurnStatus.RUNNING:
                await publish_cancel(self._valkey, turn.id)
        await self._events.wake_readers(session_id)
        if following is not None and following.status == TurnStatus.QUEUED:
            # The turn that it waited for may just have vanished; to start one twice is harmless.
            self._starter.start_soon(TurnInput(str(following.tenant_id), str(session_id), str(following.id)))


async def _stop(db: AsyncSession, turn: ChatTurn) -> ChatTurn | None:
    """The turn as it ended, if it was queued; a running one is ended by whoever runs it."""
    if turn.status == TurnStatus.QUEUED:
        named = TurnInput(str(turn.tenant_id), str(turn.session_id), str(turn.id))
        return await end_within(db, named, Ending(TurnStatus.CANCELLED, turn.claim, None))
    if turn.is_open:
        await TurnStore(db, turn.tenant_id).request_cancel(turn.id)
    return None


def _count(ended: list[ChatTurn | None]) -> None:
    for turn in ended:
        if turn is not None:
            turn_metrics.ended(TurnStatus.CANCELLED, turn.age_seconds)
