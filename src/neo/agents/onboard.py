"""How a tenant is born: with its managed agent."""

from uuid import UUID, uuid4

from sqlalchemy import insert

from neo.agents.models import ManagedAgentKey
from neo.agents.store import AgentStore
from neo.db import Database
from neo.tenants import Tenant

SUPPORT_NAME = "Neo Support"
SUPPORT_INSTRUCTIONS = (
    "You are Neo Support, an assistant for the technicians of a managed service provider. "
    "Answer briefly and accurately, in Markdown. Say so when you do not know."
)


async def create_tenant(database: Database, name: str) -> UUID:
    """A new tenant with its `NEO_SUPPORT` agent."""
    tenant_id = uuid4()
    async with database.transaction(tenant_id) as db:
        await db.execute(insert(Tenant).values(id=tenant_id, name=name))
        await AgentStore(db, tenant_id).create(
            SUPPORT_NAME, managed_key=ManagedAgentKey.NEO_SUPPORT, instructions=SUPPORT_INSTRUCTIONS
        )
    return tenant_id
