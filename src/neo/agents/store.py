from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Uuid,
    bindparam,
    func,
    insert,
    select,
    text,
    true,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from neo.agents.errors import AgentNotFound
from neo.agents.models import Access, Agent, Audience, AutonomyType, ManagedAgentKey
from neo.agents.versions import VersionStore

# Ids are PostgreSQL's bigint; a larger number cannot name an agent.
AGENT_ID_MAX = 2**63 - 1

# Channels import agents, so their table is named here and not imported.
BOUND = text(
    "SELECT EXISTS (SELECT FROM channels WHERE tenant_id = :tenant AND agent_id = :agent AND deleted_at IS NULL)"
).bindparams(bindparam("tenant", type_=Uuid()), bindparam("agent", type_=BigInteger()))


class AgentStore:
    def __init__(self, db: AsyncSession, tenant_id: UUID) -> None:
        self._db = db
        self._tenant_id = tenant_id

    async def get(self, agent_id: int, visible: ColumnElement[bool] | None = None) -> Agent:
        return await self._one(agent_id, self._owned().where(true() if visible is None else visible))

    async def lock(self, agent_id: int) -> Agent:
        """The agent with its row locked, to change it."""
        return await self._one(agent_id, self._owned().with_for_update())

    async def lock_shared(self, agent_id: int) -> Agent:
        """The agent with its row share-locked until the commit: it cannot be deleted while a channel is bound to it."""
        return await self._one(agent_id, self._owned().with_for_update(read=True))

    async def get_managed(self, key: ManagedAgentKey) -> Agent:
        found = await self._db.scalar(self._owned().where(Agent.managed_key == key))
        if found is None:
            raise AgentNotFound("No such agent.")
        return found

    async def newest(
        self, rows_max: int, *, before: int | None, visible: ColumnElement[bool]
    ) -> Sequence[Agent]:
        """The newest agents, without their instructions, which may be long."""
        wanted = self._owned().where(visible).options(defer(Agent.instructions, raiseload=True))
        if before is not None:
            wanted = wanted.where(Agent.id < before)
        return (await self._db.scalars(wanted.order_by(Agent.id.desc()).limit(rows_max))).all()

    async def create(
        self,
        name: str,
        *,
        managed_key: ManagedAgentKey | None = None,
        autonomy_type: AutonomyType = AutonomyType.CONVERSATIONAL,
        description: str = "",
        audience: Audience = Audience.MSP,
        access: Access = Access.ALL_USERS,
        access_user_ids: Sequence[UUID] = (),
        instructions: str = "",
        model: str | None = None,
        reasoning_effort: str | None = None,
        overlap: str | None = None,
        toolbox: dict[str, Any] | None = None,
        created_by: UUID | None = None,
    ) -> int:
        row = {
            "tenant_id": self._tenant_id,
            "name": name,
            "managed_key": managed_key,
            "autonomy_type": autonomy_type,
            "description": description,
            "audience": audience,
            "access": access,
            "access_user_ids": list(access_user_ids),
            "instructions": instructions,
            "model": model,
            "reasoning_effort": reasoning_effort,
            "overlap": overlap,
            "toolbox": toolbox or {},
            "created_by": created_by,
        }
        created = (await self._db.scalars(insert(Agent).values(row).returning(Agent))).one()
        await VersionStore(self._db, self._tenant_id).add(created, created_by)
        return created.id

    async def change(self, agent: Agent, changes: dict[str, Any], *, changed_by: UUID) -> Agent:
        values = {**changes, "version": Agent.version + 1, "updated_at": func.now()}
        changed = await self._update(agent, values)
        await VersionStore(self._db, self._tenant_id).add(changed, changed_by)
        return changed

    async def delete(self, agent: Agent) -> None:
        await self._update(agent, {"deleted_at": func.now(), "updated_at": func.now()})

    def live(self) -> Select[Agent]:
        """Those that were not deleted."""
        return self._owned()

    async def is_bound(self, agent: Agent) -> bool:
        """Whether a channel is bound to the agent."""
        return bool(await self._db.scalar(BOUND, {"tenant": self._tenant_id, "agent": agent.id}))

    async def _one(self, agent_id: int, wanted: Select[Agent]) -> Agent:
        found = None
        if 0 < agent_id <= AGENT_ID_MAX:
            found = await self._db.scalar(wanted.where(Agent.id == agent_id))
        if found is None:
            raise AgentNotFound("No such agent.")
        return found

    async def _update(self, agent: Agent, values: dict[str, Any]) -> Agent:
        mine = (Agent.tenant_id == self._tenant_id) & (Agent.id == agent.id)
        changed = await self._db.scalars(
            update(Agent).where(mine).values(values).returning(Agent),
            execution_options={"populate_existing": True},
        )
        return changed.one()

    def _owned(self) -> Select[Agent]:
        return select(Agent).where(Agent.tenant_id == self._tenant_id, Agent.deleted_at.is_(None))
