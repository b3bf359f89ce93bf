"""Whether a caller may talk in a session now."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import CallerKind, Principal, Role
from neo.agents import Access, Audience, Overlap
from neo.channels import ChannelStatus
from neo.chat.errors import (
    AgentAccessDenied,
    AgentGone,
    AgentNeedsChannel,
    ChannelDisconnected,
    ModelTierNotAllowed,
    SessionArchived,
)
from neo.db import Database, DatabaseUnavailable, call_within
from neo.errors import Failure
from neo.kit import Batcher
from neo.sessions import SessionNotFound, SessionStore, check_writable

LEAST_TIER = "FAST"


@dataclass(frozen=True, slots=True)
class SessionAccess:
    """A session, with as much of it as talking needs; its agent and its channel."""

    id: UUID
    tenant_id: UUID
    account_id: UUID
    actor_tenant_id: UUID | None
    channel: str
    channel_id: UUID | None
    audience: str
    archived_at: datetime | None
    show_agent_progress_steps: bool | None
    access: str
    access_user_ids: list[UUID]
    agent_deleted_at: datetime | None
    agent_overlap: str | None
    channel_status: str | None
    channel_overlap: str | None
    # Another one as soon as any of this changes.
    version: str

    @property
    def is_open(self) -> bool:
        """Whether messages are taken."""
        is_routed = self.channel_id is None or self.channel_status == ChannelStatus.ACTIVE
        return self.archived_at is None and self.agent_deleted_at is None and is_routed

    def lets_talk(self, caller: Principal) -> bool:
        try:
            self.check(caller)
        except Failure:
            return False
        return self.is_open

    def check(self, caller: Principal) -> None:
        check_writable(caller, self)
        check_audience(caller, self.audience)
        check_access(caller, self.access, self.access_user_ids)

    def check_open(self) -> None:
        if self.is_open:
            return
        if self.archived_at is not None:
            raise SessionArchived("This session is archived: open a new one.")
        if self.agent_deleted_at is not None:
            raise AgentGone("This session's agent was deleted: open a session with another one.")
        raise ChannelDisconnected("This session's channel is disconnected: nothing is routed to it.")

    def overlap(self, wanted: Overlap | None) -> Overlap:
        """What a message does that meets an open turn: as its sender says, else the channel, else the agent."""
        return wanted or Overlap(self.channel_overlap or self.agent_overlap or Overlap.QUEUE)


def check_audience(caller: Principal, audience: str) -> None:
    """What is made for customers' employees is reached through their channel, or with their token."""
    if audience == Audience.END_USER and caller.kind in (CallerKind.SERVICE_ACCOUNT, CallerKind.TECHNICIAN):
        raise AgentNeedsChannel("An END_USER agent is reached through an END_USER channel only.")


def check_access(caller: Principal, access: str, user_ids: list[UUID]) -> None:
    """An agent's `access` binds the provider's own people; a service account acts for the provider itself."""
    if caller.kind is not CallerKind.TECHNICIAN or access == Access.ALL_USERS:
        return
    is_named = access == Access.SPECIFIC_USERS and caller.account_id in user_ids
    is_admin = access == Access.ADMINS_ONLY and caller.role is Role.ADMIN
    if not (is_named or is_admin):
        raise AgentAccessDenied("This agent is not open to you: ask an Admin of your organisation.")


def check_tier(caller: Principal, model_tier: str) -> None:
    """An end user's token asks for the tier that it was minted with, or for the lesser one."""
    if caller.model_tier is not None and model_tier not in (caller.model_tier, LEAST_TIER):
        raise ModelTierNotAllowed(f"This session token may not ask for the tier {model_tier}.")


# Looked at by one call.
SESSIONS_MAX = 1_000
# A tenant and its session.
SessionKey = tuple[UUID, UUID]


class SessionAccesses:
    """Read without the session's lock: one call for all who ask in the same moment."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._read = Batcher(
            self._read_all, most=SESSIONS_MAX, name="session-access", silence=DatabaseUnavailable
        )

    async def of(self, tenant_id: UUID, session_id: UUID) -> SessionAccess:
        """What is stored by it is good only if the session still has the same `version` then."""
        return await self._read((tenant_id, session_id))

    async def _read_all(self, asked: list[SessionKey]) -> list[SessionAccess | Exception]:
        keys = list(set(asked))
        tenants, sessions = [tenant for tenant, _ in keys], [session for _, session in keys]
        rows = await self._database.call("neo_session_access", tenants, sessions)
        found = {(row["tenant_id"], row["id"]): row for row in rows}
        return [SessionAccess(**found[key]) if key in found else _not_found() for key in asked]


async def lock_session_access(db: AsyncSession, tenant_id: UUID, session_id: UUID) -> SessionAccess:
    """The same, with the session locked until the transaction ends."""
    await SessionStore(db, tenant_id).lock(session_id)
    # A statement of its own: it sees what was committed while the lock was waited for.
    found = await call_within(db, "neo_session_access", [tenant_id], [session_id])
    return SessionAccess(**found[0])


def _not_found() -> SessionNotFound:
    return SessionNotFound("No such chat session.")
