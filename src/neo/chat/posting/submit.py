"""Accepting a message: stored with its turn in one transaction, then started."""

from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import Principal
from neo.agents import Overlap
from neo.attachments import AttachmentsNotConfigured, AttachmentStore, Inspected, Inspector, attach
from neo.chat.posting.draft import Draft
from neo.chat.posting.refusing import overlapping, refuse_repeat
from neo.chat.posting.standing import Standing, Standings, lock_standing
from neo.chat.posting.storing import Accepted, Storage, Submission, store_alone
from neo.db import Database
from neo.kit import reached
from neo.telemetry import traces
from neo.turns.starting.holding import HELD_FOR
from neo.turns.starting.start import TurnStarter
from neo.turns.temporal.contract import TurnInput


class TurnDesk:
    def __init__(
        self,
        database: Database,
        starter: TurnStarter,
        standings: Standings,
        inspector: Inspector | None,
        *,
        queue_max: int,
    ) -> None:
        self._database = database
        self._queue_max = queue_max
        self._starter = starter
        self._inspector = inspector
        self._standings = standings
        self._storage = Storage(database)

    async def submit(self, caller: Principal, session_id: UUID, draft: Draft) -> Accepted:
        said = Submission(caller.tenant_id, session_id, draft)
        self._starter.queue.message_came()
        with traces.span("accept message", neo__session_id=str(session_id)) as span:
            accepted = await self._together(caller, said) or await self._alone(caller, said)
            span.say(neo__turn_id=str(accepted.turn_id))
        # The request's line in the log says which turn it made.
        structlog.contextvars.bind_contextvars(turn_id=str(accepted.turn_id))
        await reached("after_commit")
        if not accepted.open_turns:
            # After the commit: a start that fails here is made up for by the sweeper.
            turn = TurnInput(str(said.tenant_id), str(session_id), str(accepted.turn_id))
            self._starter.start_soon(turn, accepted.begun)
        await reached("before_answer")
        return accepted

    async def _together(self, caller: Principal, said: Submission) -> Accepted | None:
        """The way of most messages: looked at without a lock, and stored only if the session has not changed since."""
        if said.draft.attachments:
            return None
        standing = await self._standings.last(said.tenant_id, said.session_id)
        lets_talk = standing.lets_talk(caller)
        accepted = await self._stored(standing, said) if lets_talk else None
        if accepted is None:
            self._standings.forget(said.tenant_id, said.session_id)
        return accepted

    async def _stored(self, standing: Standing, said: Submission) -> Accepted | None:
        await reached("before_commit")
        held_for = HELD_FOR if self._starter.begins_at_once else None
        most = self._open_turns_max(standing, said)
        row = said.row(most, seen=standing.seen, held_for=held_for)
        stored = await self._storage.store(row)
        return said.accepted(standing, stored) if stored is not None else None

    async def _alone(self, caller: Principal, said: Submission) -> Accepted:
        """Under the session's lock, which tells why a message is not taken."""
        inspected = await self._inspect(caller, said) if said.draft.attachments else []
        async with self._database.transaction(said.tenant_id) as db:
            standing = await _admitted(db, caller, said)
            stored = await store_alone(
                db, said.row(self._open_turns_max(standing, said), inspected=inspected)
            )
            if stored is None:
                raise await overlapping(db, said, standing.overlap(said.draft.overlap))
            await attach(db, said.tenant_id, said.user_message_id, inspected)
            await reached("before_commit")
        return said.accepted(standing, stored)

    async def _inspect(self, caller: Principal, said: Submission) -> list[Inspected]:
        """The cited uploads, looked at while no connection and no lock is held: the store may be slow."""
        async with self._database.transaction(said.tenant_id) as db:
            # A repeated message is told so, although its attachments are used by now.
            await _admitted(db, caller, said)
            paths = [one.blob_path for one in said.draft.attachments]
            issued = await AttachmentStore(db, said.tenant_id).unused(said.session_id, paths)
        if self._inspector is None:
            raise AttachmentsNotConfigured
        return await self._inspector.inspect(said.draft.attachments, issued)

    def _open_turns_max(self, standing: Standing, said: Submission) -> int:
        return 1 if standing.overlap(said.draft.overlap) is Overlap.REJECT else self._queue_max


async def _admitted(db: AsyncSession, caller: Principal, said: Submission) -> Standing:
    """How the session stands, locked, if this caller may say this in it now."""
    # The lock comes first: without it, racing duplicates are told the wrong reason.
    standing = await lock_standing(db, said.tenant_id, said.session_id)
    standing.check(caller)
    await refuse_repeat(db, said)
    standing.check_open()
    return standing
