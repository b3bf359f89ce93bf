"""Opening a session against one of the caller's own agents."""

from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import Principal
from neo.agents import Agent, AgentNotConversational, AgentStore, AutonomyType, ManagedAgentKey
from neo.chat.errors import AgentSelectorInvalid, ClientIdNotAllowed, TitleTooLong
from neo.db import Database
from neo.sessions import ChatSession, SessionStore

TITLE_CHARACTERS_MAX = 500


@dataclass(frozen=True)
class Opening:
    agent_id: int | None
    managed_agent_key: ManagedAgentKey | None
    client_id: str | None
    title: str | None


class SessionDesk:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, caller: Principal, wanted: Opening) -> ChatSession:
        if wanted.client_id is not None:
            raise ClientIdNotAllowed("Only a platform service account may send `client_id`: omit it.")
        _check(wanted)
        async with self._database.transaction(caller.tenant_id) as db:
            agent = await _agent(db, caller, wanted)
            if agent.autonomy_type != AutonomyType.CONVERSATIONAL:
                raise AgentNotConversational(
                    "Only CONVERSATIONAL agents can be chatted with.",
                    details={"fields": {"agent_id": "names an agent that is not CONVERSATIONAL"}},
                )
            session = ChatSession(
                id=uuid4(),
                tenant_id=caller.tenant_id,
                agent_id=agent.id,
                account_id=caller.account_id,
                title=wanted.title or None,
                channel=caller.channel,
            )
            return await SessionStore(db, caller.tenant_id).add(session)


def _check(wanted: Opening) -> None:
    if len(wanted.title or "") > TITLE_CHARACTERS_MAX:
        raise TitleTooLong(
            f"A title has at most {TITLE_CHARACTERS_MAX} characters.",
            details={"fields": {"title": f"longer than {TITLE_CHARACTERS_MAX} characters"}},
        )
    if (wanted.agent_id is None) == (wanted.managed_agent_key is None):
        problem = "provide exactly one of agent_id and managed_agent_key"
        raise AgentSelectorInvalid(
            "Provide exactly one of `agent_id` and `managed_agent_key`.",
            details={"fields": {"agent_id": problem, "managed_agent_key": problem}},
        )


async def _agent(db: AsyncSession, caller: Principal, wanted: Opening) -> Agent:
    agents = AgentStore(db, caller.tenant_id)
    if wanted.agent_id is not None:
        return await agents.get(wanted.agent_id)
    assert wanted.managed_agent_key is not None  # noqa: S101
    return await agents.get_managed(wanted.managed_agent_key)
