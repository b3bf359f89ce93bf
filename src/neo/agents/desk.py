"""Agents for those who set a tenant up: list, read, create, change, delete. Each change is recorded."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import NO_ROW_BOUNDS, Principal, Right, RowBounds, changing, check_room
from neo.agents.change import access_users, changed_columns, check_changeable, check_version, merged_toolbox
from neo.agents.errors import AgentInUse
from neo.agents.models import Agent, AgentVersion
from neo.agents.store import AgentStore
from neo.agents.versions import VersionStore
from neo.agents.visible import visible_to
from neo.audit import AuditStore
from neo.db import Database
from neo.llm import ModelList


class ToolboxChecks(Protocol):
    """What is known of toolboxes by who offers tools; connections stand above agents."""

    def plain(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """The settings of each tool type as they are stored."""

    async def check(
        self, db: AsyncSession, tenant_id: UUID, audience: str, toolbox: Mapping[str, Any]
    ) -> None:
        """Refuse what an agent of this audience may not have."""


class AgentDesk:
    def __init__(
        self,
        database: Database,
        models: ModelList,
        toolboxes: ToolboxChecks,
        bounds: RowBounds = NO_ROW_BOUNDS,
    ) -> None:
        self._database = database
        self._toolboxes = toolboxes
        self._bounds = bounds
        self._models = models

    async def newest(self, caller: Principal, rows_max: int, *, before: int | None) -> Sequence[Agent]:
        async with self._database.transaction(caller.tenant_id) as db:
            agents = AgentStore(db, caller.tenant_id)
            return await agents.newest(rows_max, before=before, visible=visible_to(caller))

    async def get(self, caller: Principal, agent_id: int) -> Agent:
        async with self._database.transaction(caller.tenant_id) as db:
            return await AgentStore(db, caller.tenant_id).get(agent_id, visible_to(caller))

    async def create(self, caller: Principal, wanted: dict[str, Any]) -> Agent:
        wanted = self._named(wanted)
        wanted["access_user_ids"] = access_users(wanted["access"], wanted["access_user_ids"])
        async with changing(self._database, caller, Right.MANAGE_TENANT) as db:
            agents = AgentStore(db, caller.tenant_id)
            await check_room(db, caller, agents.live(), self._bounds.agents, "agents")
            wanted["toolbox"] = await self._toolbox(db, caller, wanted["audience"], {}, wanted.get("toolbox"))
            agent_id = await agents.create(created_by=caller.account_id, **wanted)
            await _record(db, caller, "agent.created", agent_id)
            return await agents.get(agent_id)

    async def change(
        self, caller: Principal, agent_id: int, wanted: dict[str, Any], *, version: int | None
    ) -> Agent:
        """Change only the named fields; with a `version`, only when that is the agent's current one."""
        async with changing(self._database, caller, Right.MANAGE_TENANT) as db:
            agents = AgentStore(db, caller.tenant_id)
            agent = await agents.lock(agent_id)
            check_changeable(agent)
            check_version(agent, version)
            # A model that went away may stay where it is, so that everything else can still be changed.
            wanted = wanted if wanted.get("model") == agent.model else self._named(wanted)
            if "toolbox" in wanted:
                toolbox = await self._toolbox(db, caller, agent.audience, agent.toolbox, wanted["toolbox"])
                wanted = {**wanted, "toolbox": toolbox}
            changes = changed_columns(agent, wanted)
            if changes:
                agent = await agents.change(agent, changes, changed_by=caller.account_id)
                await VersionStore(db, caller.tenant_id).keep(agent, self._bounds.agent_versions)
                await _record(db, caller, "agent.updated", agent_id, fields=sorted(changes))
            return agent

    async def delete(self, caller: Principal, agent_id: int) -> None:
        async with changing(self._database, caller, Right.MANAGE_TENANT) as db:
            agents = AgentStore(db, caller.tenant_id)
            agent = await agents.lock(agent_id)
            check_changeable(agent)
            if await agents.is_bound(agent):
                raise AgentInUse(
                    "A channel leads to this agent: bind it to another one, or delete it, first."
                )
            await _record(db, caller, "agent.deleted", agent_id)
            await agents.delete(agent)

    async def versions(
        self, caller: Principal, agent_id: int, rows_max: int, *, before: int | None
    ) -> Sequence[AgentVersion]:
        async with self._database.transaction(caller.tenant_id) as db:
            await AgentStore(db, caller.tenant_id).get(agent_id, visible_to(caller))
            return await VersionStore(db, caller.tenant_id).newest(agent_id, rows_max, before=before)

    async def version(self, caller: Principal, agent_id: int, version: int) -> AgentVersion:
        async with self._database.transaction(caller.tenant_id) as db:
            await AgentStore(db, caller.tenant_id).get(agent_id, visible_to(caller))
            return await VersionStore(db, caller.tenant_id).get(agent_id, version)

    def warnings(self, agents: Iterable[Agent]) -> list[str]:
        """A sentence for each agent whose model went away, so that its turns at the FAST tier fail."""
        return [
            f"Agent {agent.id}: this server has no model `{agent.model}` any more, so its turns fail. Choose another."
            for agent in agents
            if agent.model is not None and not self._models.is_known(agent.model)
        ]

    async def _toolbox(
        self,
        db: AsyncSession,
        caller: Principal,
        audience: str,
        stored: Mapping[str, Any],
        wanted: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        """The toolbox to store, whose every connection is there and for this audience."""
        merged = merged_toolbox(stored, None if wanted is None else self._toolboxes.plain(wanted))
        await self._toolboxes.check(db, caller.tenant_id, audience, merged)
        return merged

    def _named(self, wanted: dict[str, Any]) -> dict[str, Any]:
        model = wanted.get("model")
        return {**wanted, "model": self._models.checked(model)} if model is not None else dict(wanted)


async def _record(db: AsyncSession, caller: Principal, action: str, agent_id: int, **details: Any) -> None:
    await AuditStore(db, caller.tenant_id).add(caller.actor, action, "agent", agent_id, details=details)
