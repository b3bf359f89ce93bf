from uuid import UUID

from sqlalchemy import Select, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from neo.agents.models import Agent, AutonomyType, ManagedAgentKey
from neo.errors import Failure, Kind

# Ids are PostgreSQL's bigint; a larger number cannot name an agent.
AGENT_ID_MAX = 2**63 - 1


class AgentNotFound(Failure):
    kind = Kind.NOT_FOUND
    code = "agent_not_found"


class AgentNotConversational(Failure):
    kind = Kind.INVALID
    code = "agent_not_conversational"


class AgentStore:
    def __init__(self, db: AsyncSession, tenant_id: UUID) -> None:
        self._db = db
        self._tenant_id = tenant_id

    async def get(self, agent_id: int) -> Agent:
        found = None
        if 0 < agent_id <= AGENT_ID_MAX:
            found = await self._db.scalar(self._owned().where(Agent.id == agent_id))
        if found is None:
            raise AgentNotFound("No such agent.")
        return found

    async def get_managed(self, key: ManagedAgentKey) -> Agent:
        found = await self._db.scalar(self._owned().where(Agent.managed_key == key))
        if found is None:
            raise AgentNotFound("No such agent.")
        return found

    async def create(
        self,
        name: str,
        *,
        managed_key: ManagedAgentKey | None = None,
        autonomy_type: AutonomyType = AutonomyType.CONVERSATIONAL,
        instructions: str = "",
        model: str | None = None,
        reasoning_effort: str | None = None,
    ) -> int:
        row = {
            "tenant_id": self._tenant_id,
            "name": name,
            "managed_key": managed_key,
            "autonomy_type": autonomy_type,
            "instructions": instructions,
            "model": model,
            "reasoning_effort": reasoning_effort,
        }
        created = await self._db.execute(insert(Agent).values(row).returning(Agent.id))
        return created.scalar_one()

    def _owned(self) -> Select[Agent]:
        return select(Agent).where(Agent.tenant_id == self._tenant_id)
