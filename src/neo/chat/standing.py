"""Whether a caller may talk in a session now: read under the session's lock, in the one query that takes it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, Uuid, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import CallerKind, Principal, Role
from neo.agents import Access, Agent, Audience, Overlap
from neo.channels import Channel, ChannelStatus
from neo.chat.errors import AgentAccessDenied, AgentGone, AgentNeedsChannel, ChannelDisconnected
from neo.sessions import ChatSession, SessionNotFound, check_writable
from neo.turns.models import OPEN, ChatTurn


@dataclass(frozen=True)
class Standing:
    """A session, held until the transaction ends, and what its agent and channel say."""

    session: ChatSession
    access: str
    access_user_ids: list[UUID]
    agent_deleted_at: datetime | None
    agent_overlap: str | None
    channel_status: str | None
    channel_overlap: str | None
    open_turns: int

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


def _lock() -> Select[ChatSession, str, list[UUID], datetime | None, str | None, str, str | None, int]:
    of_agent = (Agent.tenant_id == ChatSession.tenant_id) & (Agent.id == ChatSession.agent_id)
    of_channel = (
        (Channel.tenant_id == ChatSession.tenant_id)
        & (Channel.id == ChatSession.channel_id)
        & Channel.deleted_at.is_(None)
    )
    open_turns = (
        select(func.count())
        .select_from(ChatTurn)
        .where(ChatTurn.session_id == ChatSession.id, ChatTurn.status.in_(OPEN))
        .scalar_subquery()
    )
    return (
        select(
            ChatSession,
            Agent.access,
            Agent.access_user_ids,
            Agent.deleted_at,
            Agent.overlap,
            Channel.status,
            Channel.overlap,
            open_turns,
        )
        .join(Agent, of_agent)
        .outerjoin(Channel, of_channel)
        .where(
            ChatSession.tenant_id == bindparam("of_tenant", type_=Uuid()),
            ChatSession.id == bindparam("of_session", type_=Uuid()),
        )
        .with_for_update(of=ChatSession)
    )


# Every message waits for this statement, and to put it together takes as long as to run it.
LOCK = _lock()


async def lock_standing(db: AsyncSession, tenant_id: UUID, session_id: UUID) -> Standing:
    found = (await db.execute(LOCK, {"of_tenant": tenant_id, "of_session": session_id})).one_or_none()
    if found is None:
        raise SessionNotFound("No such chat session.")
    return Standing(*found)
