"""Why an agent is offered a tool, or not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import Principal
from neo.agents import AgentDesk
from neo.connections import Connection, ConnectionStore, ConnectionTool, Effect, Health, ToolState, ToolStore
from neo.db import Database
from neo.sessions import ChatSession, SessionNotFound, SessionStore, check_readable
from neo.stops import StopScope, StopStore, ToolStop
from neo.toolbox.offered import gate_of, group_of, wire_name
from neo.toolbox.schemas import ExplainedTool
from neo.toolbox.settings import AccessLevel, AllowedConnection, allowed_connections

# As many as a tenant may have.
STOPS_MAX = 1_100
_STATES = {
    ToolState.NEW: "It is not pinned.",
    ToolState.CHANGED: "Its server describes it otherwise than it was pinned: pin it again.",
    ToolState.GONE: "Its server does not list it any more.",
}


class Explainer:
    def __init__(self, database: Database, agents: AgentDesk) -> None:
        self._database = database
        self._agents = agents

    async def explain(self, caller: Principal, agent_id: int, session_id: UUID | None) -> list[ExplainedTool]:
        agent = await self._agents.get(caller, agent_id)
        async with self._database.transaction(caller.tenant_id) as db:
            session = await _session(db, caller, agent_id, session_id) if session_id else None
            stops = await StopStore(db, caller.tenant_id).newest(STOPS_MAX, before=None)
            where = Where(agent.id, agent.audience, session.end_company_id if session else None, stops)
            return await explained(db, caller.tenant_id, toolbox=agent.toolbox, where=where)


@dataclass(frozen=True, slots=True)
class Where:
    """For whom tools are explained."""

    agent_id: int
    audience: str
    company: str | None
    stops: Sequence[ToolStop]


async def _session(db: AsyncSession, caller: Principal, agent_id: int, session_id: UUID) -> ChatSession:
    session = await SessionStore(db, caller.tenant_id).get(session_id)
    check_readable(caller, session)
    if session.agent_id != agent_id:
        raise SessionNotFound("The agent has no such session.")
    return session


async def explained(
    db: AsyncSession, tenant_id: UUID, *, toolbox: Mapping[str, Any], where: Where
) -> list[ExplainedTool]:
    """Each tool of the connections that a toolbox names."""
    found: list[ExplainedTool] = []
    allowed = allowed_connections(toolbox)
    connections = await ConnectionStore(db, tenant_id).of([one.connection_id for one in allowed])
    for one in allowed:
        connection = connections.get(one.connection_id)
        if connection is None:
            found.append(_nothing(one, None, "There is no such connection."))
            continue
        tools = await ToolStore(db, tenant_id).all(connection.id)
        found += [_told(connection, tool, one, where) for tool in tools]
        if not tools:
            found.append(_nothing(one, connection.name, "No tool of it is known: check it."))
    return found


def _told(
    connection: Connection, tool: ConnectionTool, allowed: AllowedConnection, where: Where
) -> ExplainedTool:
    refusals = list(_refusals(connection, tool, allowed, where.audience))
    held = list(_held(connection, tool, where))
    notes = list(_notes(connection, where))
    return ExplainedTool(
        connection_id=str(connection.id),
        connection_name=connection.name,
        name=tool.name,
        wire_name=wire_name(connection.name, tool.name),
        is_offered=not refusals,
        is_callable=not refusals and not held,
        reasons=[*refusals, *held, *notes],
        effect=tool.used_effect,
        group=group_of(tool),
        gate=gate_of(tool, allowed),
    )


def _refusals(
    connection: Connection, tool: ConnectionTool, allowed: AllowedConnection, audience: str
) -> Iterator[str]:
    if connection.is_disabled:
        yield "Its connection is switched off."
    if connection.audience != audience:
        yield "Its connection is for another audience."
    if not allowed.allows(tool.name):
        yield "The agent's toolbox does not allow it."
    elif refusal := _not_permitted(tool, allowed):
        yield refusal
    if tool.state in _STATES:
        yield _STATES[ToolState(tool.state)]


def _not_permitted(tool: ConnectionTool, allowed: AllowedConnection) -> str | None:
    group = group_of(tool)
    permission = allowed.permission(group)
    if permission.allows(tool.used_effect):
        return None
    named = f"the group {group}" if group else "tools without a group"
    if permission.level is AccessLevel.READ_ONLY:
        return (
            f"The agent's toolbox lets {named} only read, and it may write: set its `effect` if it does not."
        )
    return f"The agent's toolbox disables {named}."


def _held(connection: Connection, tool: ConnectionTool, where: Where) -> Iterator[str]:
    """Why a call of it would be refused, though it is offered."""
    if connection.health == Health.NEEDS_AUTH:
        yield "Its connection needs a new secret: calls are refused."
    places = {
        (StopScope.TENANT, str(connection.tenant_id), ""),
        (StopScope.AGENT, str(where.agent_id), ""),
        (StopScope.CONNECTION, str(connection.id), ""),
        (StopScope.TOOL, str(connection.id), tool.name),
        *([(StopScope.COMPANY, where.company, "")] if where.company else []),
    }
    for stop in where.stops:
        is_meant = (stop.scope, stop.scope_id, stop.tool) in places
        if is_meant and (tool.used_effect is not Effect.READ or not stop.writes_only):
            what = "calls that may write" if stop.writes_only else "all calls"
            yield f"A stop of the scope {stop.scope} refuses {what}."


def _notes(connection: Connection, where: Where) -> Iterator[str]:
    """What is to be known of a call, though it is made."""
    if where.company and not connection.is_told_company:
        yield "Its connection has no `company_in`: its calls do not say for which company they are."
    if connection.health == Health.DOWN:
        yield "Its server was down when it was last checked."


def _nothing(allowed: AllowedConnection, name: str | None, reason: str) -> ExplainedTool:
    return ExplainedTool(
        connection_id=str(allowed.connection_id),
        connection_name=name,
        name=None,
        wire_name=None,
        is_offered=False,
        is_callable=False,
        reasons=[reason],
        group=None,
        effect=None,
        gate=None,
    )
