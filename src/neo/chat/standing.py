"""Whether a caller may talk in a session now: read under the session's lock, in the one query that takes it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import CallerKind, Principal, Role
from neo.agents import Access, Audience, Overlap
from neo.channels import ChannelStatus
from neo.chat.errors import AgentAccessDenied, AgentGone, AgentNeedsChannel, ChannelDisconnected
from neo.db import fetch
from neo.sessions import ChatSession, SessionNotFound, check_writable


@dataclass(frozen=True)
class Standing:
    """A session, held until the transaction ends, with as much of it as talking needs; its agent and its channel."""

    session: ChatSession
    access: str
    access_user_ids: list[UUID]
    agent_deleted_at: datetime | None
    agent_overlap: str | None
    channel_status: str | None
    channel_overlap: str | None

    def check(self, caller: Principal) -> None:
        check_writable(caller, self.session)
        check_audience(caller, self.session.audience)
        check_access(caller, self.access, self.access_user_ids)

    def check_open_for_talk(self) -> None:
        if self.agent_deleted_at is not None:
            raise AgentGone("This session's agent was deleted: open a session with another one.")
        if self.session.channel_id is not None and self.channel_status != ChannelStatus.ACTIVE:
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


# Every message waits for this statement. What is read of agent and channel may be a moment old when the lock had to be
# waited for; the session's own row is as it is then.
LOCK = """
    SELECT s.id, s.tenant_id, s.account_id, s.actor_tenant_id, s.channel, s.channel_id, s.audience, s.title,
           s.archived_at, s.show_agent_progress_steps,
           a.access, a.access_user_ids, a.deleted_at AS agent_deleted_at, a.overlap AS agent_overlap,
           c.status AS channel_status, c.overlap AS channel_overlap
    FROM chat_sessions s
    JOIN agents a ON a.tenant_id = s.tenant_id AND a.id = s.agent_id
    LEFT JOIN channels c ON c.tenant_id = s.tenant_id AND c.id = s.channel_id AND c.deleted_at IS NULL
    WHERE s.tenant_id = $1 AND s.id = $2
    FOR UPDATE OF s
"""
OF_SESSION = (
    "id",
    "tenant_id",
    "account_id",
    "actor_tenant_id",
    "channel",
    "channel_id",
    "audience",
    "title",
    "archived_at",
    "show_agent_progress_steps",
)


async def lock_standing(db: AsyncSession, tenant_id: UUID, session_id: UUID) -> Standing:
    found = await fetch(db, LOCK, tenant_id, session_id)
    if not found:
        raise SessionNotFound("No such chat session.")
    values = dict(found[0])
    session = ChatSession(**{name: values.pop(name) for name in OF_SESSION})
    return Standing(session, **values)
