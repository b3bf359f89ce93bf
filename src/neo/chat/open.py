"""Opening a session against one of the caller's own agents."""

from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import CountedRoom, Principal
from neo.agents import Agent, AgentNotConversational, AgentStore, AutonomyType, ManagedAgentKey
from neo.channels import ClientIdNotAllowed
from neo.chat.end_user import check_end_user
from neo.chat.errors import AgentSelectorInvalid, TitleTooLong
from neo.chat.posting.session_access import check_access, check_audience
from neo.db import Database
from neo.sessions import ChatSession, SessionStore
from neo.telemetry import process_metrics

TITLE_CHARACTERS_MAX = 500


@dataclass(frozen=True)
class Opening:
    agent_id: int | None = None
    managed_agent_key: ManagedAgentKey | None = None
    client_id: str | None = None
    bot_id: str | None = None
    inbound_tenant_id: str | None = None
    title: str | None = None
    # Whom the relay speaks for, as it knows them.
    end_user: str | None = None
    end_user_email: str | None = None


class SessionDesk:
    def __init__(self, database: Database, room: CountedRoom) -> None:
        self._database = database
        self._room = room

    async def open(self, caller: Principal, wanted: Opening) -> ChatSession:
        """A session in the caller's own tenant."""
        if wanted.client_id is not None:
            process_metrics.cross_tenant_denied.labels("client_id").inc()
            raise ClientIdNotAllowed("Only a platform service account may send `client_id`: omit it.")
        check_opening(wanted)
        _check_selector(wanted)
        async with self._database.transaction(caller.tenant_id) as db:
            agent = await _agent(db, caller, wanted)
            if agent.autonomy_type != AutonomyType.CONVERSATIONAL:
                raise AgentNotConversational(
                    "Only CONVERSATIONAL agents can be chatted with.",
                    details={"fields": {"agent_id": "names an agent that is not CONVERSATIONAL"}},
                )
            check_audience(caller, agent.audience)
            check_access(caller, agent.access, agent.access_user_ids)
            await self._room.take(db, caller, SessionStore(db, caller.tenant_id).all())
            return await add_session(db, caller, Opening(title=wanted.title), agent_id=agent.id)


def check_opening(wanted: Opening) -> None:
    if len(wanted.title or "") > TITLE_CHARACTERS_MAX:
        raise TitleTooLong(
            f"A title has at most {TITLE_CHARACTERS_MAX} characters.",
            details={"fields": {"title": f"longer than {TITLE_CHARACTERS_MAX} characters"}},
        )
    check_end_user(wanted.end_user, wanted.end_user_email)


def _check_selector(wanted: Opening) -> None:
    if (wanted.agent_id is None) == (wanted.managed_agent_key is None):
        raise not_one_selector()


def not_one_selector() -> AgentSelectorInvalid:
    problem = "provide exactly one of agent_id and managed_agent_key"
    return AgentSelectorInvalid(
        "Provide exactly one of `agent_id` and `managed_agent_key`.",
        details={"fields": {"agent_id": problem, "managed_agent_key": problem}},
    )


async def _agent(db: AsyncSession, caller: Principal, wanted: Opening) -> Agent:
    agents = AgentStore(db, caller.tenant_id)
    if wanted.agent_id is not None:
        return await agents.get(wanted.agent_id)
    assert wanted.managed_agent_key is not None  # noqa: S101
    return await agents.get_managed(wanted.managed_agent_key)


async def add_session(db: AsyncSession, caller: Principal, wanted: Opening, **values: object) -> ChatSession:
    session = ChatSession(
        id=uuid4(),
        tenant_id=caller.tenant_id,
        account_id=caller.account_id,
        title=wanted.title or None,
        channel=caller.surface,
        end_user=wanted.end_user,
        end_user_email=wanted.end_user_email,
        **values,
    )
    return await SessionStore(db, caller.tenant_id).add(session)
