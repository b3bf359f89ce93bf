"""Accepting a message: stored with its turn, and claimed by the same call where this process has a place for it."""

from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import Author, CallerKind, Principal, most_for
from neo.agents import Overlap
from neo.attachments import AttachmentsNotConfigured, AttachmentStore, Inspected, Inspector, attach
from neo.chat.posting.draft import Draft
from neo.chat.posting.refusing import not_taken, refuse_repeat
from neo.chat.posting.session_access import (
    SessionAccess,
    SessionAccesses,
    check_tier,
    lock_session_access,
)
from neo.chat.posting.storing import Accepted, Storage, Submission, store_alone
from neo.db import Database
from neo.kit import reached
from neo.streams import Valkey
from neo.telemetry import traces
from neo.turns.leases.claim import task_of
from neo.turns.leases.places import Places
from neo.turns.wake_ups import publish_claimable


@dataclass(frozen=True)
class QueueBounds:
    """Most open turns of a session, and of a tenant those that nobody drives; 0 is no bound.

    End users are refused while three quarters are taken, and in their own session by a bound of theirs as well: a token
    opens one. The tenant's Admins have a tenth more than all others.
    """

    session: int
    end_users: int = 0
    tenant: int = 0

    def of_session(self, caller: Principal) -> int:
        most = most_for(caller, self.session)
        is_less = caller.kind is CallerKind.END_USER and 0 < self.end_users < most
        return self.end_users if is_less else most

    def of_tenant(self, caller: Principal) -> int:
        return most_for(caller, self.tenant)


class TurnDesk:
    def __init__(
        self,
        database: Database,
        valkey: Valkey,
        places: Places,
        inspector: Inspector | None,
        *,
        bounds: QueueBounds,
        kept_bytes_max: int = 0,
    ) -> None:
        self._database = database
        self._valkey = valkey
        self._bounds = bounds
        self._kept_bytes_max = kept_bytes_max
        self._places = places
        self._inspector = inspector
        self._accesses = SessionAccesses(database)
        self._storage = Storage(database)

    async def submit(self, caller: Principal, session_id: UUID, draft: Draft) -> Accepted:
        check_tier(caller, draft.model_tier)
        said = Submission(caller.tenant_id, session_id, draft, Author.of(caller))
        with traces.span("accept message", neo__session_id=str(session_id)) as span:
            accepted = await self._together(caller, said) or await self._alone(caller, said)
            span.say(neo__turn_id=str(accepted.turn_id))
        # The request's line in the log says which turn it made.
        structlog.contextvars.bind_contextvars(turn_id=str(accepted.turn_id))
        await reached("after_commit")
        if accepted.claimed is None and accepted.queued_behind is None:
            self._places.look.set()
            await publish_claimable(self._valkey)
        await reached("before_answer")
        return accepted

    async def _together(self, caller: Principal, said: Submission) -> Accepted | None:
        """The way of most messages: looked at without a lock, and stored only if the session has not changed since."""
        if said.draft.attachments:
            return None
        access = await self._accesses.of(said.tenant_id, said.session_id)
        if not access.lets_talk(caller):
            return None
        await reached("before_commit")
        is_placed = self._places.take(said.tenant_id)
        accepted = None
        try:
            row = said.row(
                self._open_turns_max(caller, access, said),
                undriven_max=self._bounds.of_tenant(caller),
                version=access.version,
                is_claimed=is_placed,
            )
            stored = await self._storage.store(row)
            accepted = said.accepted(access, stored) if stored is not None else None
        finally:
            if is_placed and (accepted is None or accepted.claimed is None):
                self._places.give_back(said.tenant_id)
        if accepted is not None and accepted.claimed is not None:
            # At once, in this process.
            self._places.accepted.put_nowait(task_of(accepted.claimed))
        return accepted

    async def _alone(self, caller: Principal, said: Submission) -> Accepted:
        """Under the session's lock, which tells why a message is not taken."""
        inspected = await self._inspect(caller, said) if said.draft.attachments else []
        async with self._database.transaction(said.tenant_id) as db:
            access = await _admitted(db, caller, said)
            open_turns_max = self._open_turns_max(caller, access, said)
            undriven_max = self._bounds.of_tenant(caller)
            row = said.row(open_turns_max, undriven_max=undriven_max, inspected=inspected)
            stored = await store_alone(db, row)
            if stored is None:
                raise await not_taken(
                    db, said, access.overlap(said.draft.overlap), open_turns_max, undriven_max
                )
            kept_bytes_max = most_for(caller, self._kept_bytes_max)
            await attach(db, said.tenant_id, said.user_message_id, inspected, kept_bytes_max=kept_bytes_max)
            await reached("before_commit")
        return said.accepted(access, stored)

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

    def _open_turns_max(self, caller: Principal, access: SessionAccess, said: Submission) -> int:
        is_alone = access.overlap(said.draft.overlap) is Overlap.REJECT
        return 1 if is_alone else self._bounds.of_session(caller)


async def _admitted(db: AsyncSession, caller: Principal, said: Submission) -> SessionAccess:
    """The session, locked, if this caller may say this in it now."""
    # The lock comes first: without it, racing duplicates are told the wrong reason.
    access = await lock_session_access(db, said.tenant_id, said.session_id)
    access.check(caller)
    await refuse_repeat(db, said)
    access.check_open()
    return access
