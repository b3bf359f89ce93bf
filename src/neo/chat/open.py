"""Opening a session: against one of the caller's own agents, or where the platform's relay is routed."""

from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import Principal, acting_for
from neo.agents import Agent, AgentNotConversational, AgentStore, AutonomyType, ManagedAgentKey
from neo.audit import AuditStore
from neo.channels import ClientIdNotAllowed, Inbound, Route, TenantNotFound, find_destination, find_route
from neo.chat.end_user import check_end_user
from neo.chat.errors import AgentIdNotAllowed, AgentSelectorInvalid, TitleTooLong
from neo.chat.posting.session_access import check_access, check_audience
from neo.db import Database
from neo.sessions import ChatSession, SessionStore
from neo.telemetry import process_metrics

TITLE_CHARACTERS_MAX = 500
# A route may move while a session is being opened: each time, all of it is looked at again.
ROUTE_ATTEMPTS_MAX = 3


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
    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, caller: Principal, wanted: Opening) -> ChatSession:
        """A session in the caller's own tenant."""
        if wanted.client_id is not None:
            process_metrics.cross_tenant_denied("client_id")
            raise ClientIdNotAllowed("Only a platform service account may send `client_id`: omit it.")
        _check(wanted)
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
            session = await _add(db, caller, Opening(title=wanted.title), agent_id=agent.id)
        return self._opened(session)

    async def open_routed(self, platform: Principal, wanted: Opening) -> ChatSession:
        """A session where the relay's message is routed, in the tenant that it belongs to."""
        _check_relayed(wanted)
        inbound = Inbound.parse(wanted.client_id, wanted.bot_id, wanted.inbound_tenant_id)
        for _ in range(ROUTE_ATTEMPTS_MAX):
            destination = await find_destination(self._database, inbound)
            caller = acting_for(platform, destination.tenant_id)
            async with self._database.transaction(caller.tenant_id) as db:
                route = await find_route(db, destination, inbound)
                session = await _add_routed(db, caller, wanted, route) if route is not None else None
            if session is not None:
                return self._opened(session)
        raise TenantNotFound("No such tenant.")

    def _opened(self, session: ChatSession) -> ChatSession:
        return session


def _check(wanted: Opening) -> None:
    if len(wanted.title or "") > TITLE_CHARACTERS_MAX:
        raise TitleTooLong(
            f"A title has at most {TITLE_CHARACTERS_MAX} characters.",
            details={"fields": {"title": f"longer than {TITLE_CHARACTERS_MAX} characters"}},
        )
    check_end_user(wanted.end_user, wanted.end_user_email)


def _check_selector(wanted: Opening) -> None:
    if (wanted.agent_id is None) == (wanted.managed_agent_key is None):
        raise _not_one_selector()


def _not_one_selector() -> AgentSelectorInvalid:
    problem = "provide exactly one of agent_id and managed_agent_key"
    return AgentSelectorInvalid(
        "Provide exactly one of `agent_id` and `managed_agent_key`.",
        details={"fields": {"agent_id": problem, "managed_agent_key": problem}},
    )


def _check_relayed(wanted: Opening) -> None:
    if wanted.agent_id is not None:
        if wanted.managed_agent_key is not None:
            raise _not_one_selector()
        raise AgentIdNotAllowed("A platform service account is routed by `bot_id`: omit `agent_id`.")
    _check(wanted)


async def _agent(db: AsyncSession, caller: Principal, wanted: Opening) -> Agent:
    agents = AgentStore(db, caller.tenant_id)
    if wanted.agent_id is not None:
        return await agents.get(wanted.agent_id)
    assert wanted.managed_agent_key is not None  # noqa: S101
    return await agents.get_managed(wanted.managed_agent_key)


async def _add_routed(db: AsyncSession, caller: Principal, wanted: Opening, route: Route) -> ChatSession:
    session = await _add(
        db,
        caller,
        wanted,
        agent_id=route.agent_id,
        audience=route.audience,
        channel_id=route.channel_id,
        show_agent_progress_steps=route.show_agent_progress_steps,
        end_company_id=route.end_company_id,
        actor_tenant_id=caller.home_tenant_id,
    )
    details = {"route": route.kind, "agent_id": route.agent_id, "end_company_id": route.end_company_id}
    await AuditStore(db, caller.tenant_id).add(
        caller.actor, "session.relayed", "chat_session", session.id, end_user=wanted.end_user, details=details
    )
    return session


async def _add(db: AsyncSession, caller: Principal, wanted: Opening, **values: object) -> ChatSession:
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
