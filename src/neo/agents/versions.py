"""What an agent was after each of its changes. Rows are added and never changed; the oldest may go."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from neo.agents.errors import AgentVersionNotFound
from neo.agents.models import Agent, AgentVersion

KEPT = (
    "name",
    "description",
    "autonomy_type",
    "audience",
    "access",
    "access_user_ids",
    "instructions",
    "model",
    "reasoning_effort",
    "overlap",
    "toolbox",
)


class VersionStore:
    def __init__(self, db: AsyncSession, tenant_id: UUID) -> None:
        self._db = db
        self._tenant_id = tenant_id

    async def add(self, agent: Agent, changed_by: UUID | None) -> None:
        row = {
            "tenant_id": self._tenant_id,
            "agent_id": agent.id,
            "version": agent.version,
            "snapshot": {name: _plain(getattr(agent, name)) for name in KEPT},
            "changed_by": changed_by,
        }
        await self._db.execute(insert(AgentVersion).values(row))

    async def keep(self, agent: Agent, most: int) -> None:
        """Delete the oldest versions of the agent; 0 keeps all."""
        if most:
            old = (AgentVersion.agent_id == agent.id) & (AgentVersion.version <= agent.version - most)
            await self._db.execute(delete(AgentVersion).where(AgentVersion.tenant_id == self._tenant_id, old))

    async def get(self, agent_id: int, version: int) -> AgentVersion:
        found = await self._db.scalar(self._of(agent_id).where(AgentVersion.version == version))
        if found is None:
            raise AgentVersionNotFound("This agent has no such version.")
        return found

    async def newest(self, agent_id: int, rows_max: int, *, before: int | None) -> Sequence[AgentVersion]:
        """The newest versions, without their snapshots, which may be long."""
        wanted = self._of(agent_id).options(defer(AgentVersion.snapshot))
        if before is not None:
            wanted = wanted.where(AgentVersion.version < before)
        return (await self._db.scalars(wanted.order_by(AgentVersion.version.desc()).limit(rows_max))).all()

    def _of(self, agent_id: int) -> Select[AgentVersion]:
        return self._owned().where(AgentVersion.agent_id == agent_id)

    def _owned(self) -> Select[AgentVersion]:
        return select(AgentVersion).where(AgentVersion.tenant_id == self._tenant_id)


def _plain(value: Any) -> Any:
    return [str(one) for one in value] if isinstance(value, list) else value
