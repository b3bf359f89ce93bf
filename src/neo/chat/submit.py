"""Accepting a message: stored with its turn in one transaction, then started."""

from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import Principal
from neo.attachments import AttachmentsNotConfigured, AttachmentStore, Inspected, Inspector, claim
from neo.chat.draft import Draft
from neo.chat.errors import SessionArchived
from neo.chat.refusing import refuse_overlap, refuse_repeat
from neo.chat.standing import Standing, lock_standing
from neo.chat.storing import Accepted, store_message
from neo.db import Database
from neo.kit import reached
from neo.telemetry import traces
from neo.turns.contract import TurnInput
from neo.turns.start import TurnStarter


class TurnDesk:
    def __init__(
        self, database: Database, starter: TurnStarter, inspector: Inspector | None, *, queue_max: int
    ) -> None:
        self._database = database
        self._queue_max = queue_max
        self._starter = starter
        self._inspector = inspector

    async def submit(self, caller: Principal, session_id: UUID, draft: Draft) -> Accepted:
        inspected = await self._inspect(caller, session_id, draft) if draft.attachments else []
        with (
            self._starter.queue.accepting(),
            traces.span("accept message", neo__session_id=str(session_id)) as span,
        ):
            async with self._database.transaction(caller.tenant_id) as db:
                standing = await _admitted(db, caller, session_id, draft)
                accepted = await store_message(db, standing.session, draft, inspected)
                await self._refuse_overlap(db, standing, draft, accepted)
                await claim(db, caller.tenant_id, accepted.user_message_id, inspected)
                await reached("before_commit")
            span.say(neo__turn_id=str(accepted.turn_id))
        # The request's line in the log says which turn it made.
        structlog.contextvars.bind_contextvars(turn_id=str(accepted.turn_id))
        await reached("after_commit")
        if not accepted.open_turns:
            # After the commit: a start that fails here is made up for by the sweeper.
            self._starter.start_soon(TurnInput(str(caller.tenant_id), str(session_id), str(accepted.turn_id)))
        await reached("before_answer")
        return accepted

    async def _inspect(self, caller: Principal, session_id: UUID, draft: Draft) -> list[Inspected]:
        """The cited uploads, looked at while no connection and no lock is held: the store may be slow."""
        async with self._database.transaction(caller.tenant_id) as db:
            # A repeated message is told so, although its attachments are used by now.
            await _admitted(db, caller, session_id, draft)
            paths = [one.blob_path for one in draft.attachments]
            issued = await AttachmentStore(db, caller.tenant_id).unused(session_id, paths)
        if self._inspector is None:
            raise AttachmentsNotConfigured
        return await self._inspector.inspect(draft.attachments, issued)

    async def _refuse_overlap(
        self, db: AsyncSession, standing: Standing, draft: Draft, accepted: Accepted
    ) -> None:
        overlap = standing.overlap(draft.overlap)
        await refuse_overlap(
            db, standing.session, overlap, open_turns=accepted.open_turns, queue_max=self._queue_max
        )


async def _admitted(db: AsyncSession, caller: Principal, session_id: UUID, draft: Draft) -> Standing:
    """The session, locked, if this caller may say this in it now."""
    # The lock comes first: without it, racing duplicates are told the wrong reason.
    standing = await lock_standing(db, caller.tenant_id, session_id)
    standing.check(caller)
    await refuse_repeat(db, standing.session, draft)
    if standing.session.archived_at is not None:
        raise SessionArchived("This session is archived: open a new one.")
    standing.check_open_for_talk()
    return standing
