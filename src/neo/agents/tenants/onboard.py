"""Creates a tenant, together with its managed agent."""

from uuid import UUID, uuid4

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import CallerNotAllowed, Principal, Right, hold_right
from neo.agents.errors import EntraTenantTaken
from neo.agents.models import ManagedAgentKey
from neo.agents.store import AgentStore
from neo.audit import Actor, AuditStore
from neo.db import Database, call_within
from neo.tenants import Tenant

SUPPORT_NAME = "Neo Support"
SUPPORT_INSTRUCTIONS = (
    "You are Neo Support, an assistant for the technicians of a managed service provider. "
    "Answer briefly and accurately, in Markdown. Say so when you do not know."
)


async def create_tenant(
    owner: Database, name: str, *, entra_tenant_id: UUID | None = None, is_platform: bool = False
) -> UUID:
    """A new tenant with its `NEO_SUPPORT` agent, by the operator: the application's role cannot write tenants.

    The platform is one from the first moment on: a key that somebody gives a tenant before would become the platform's.
    """
    tenant_id = uuid4()
    row = {"id": tenant_id, "name": name, "entra_tenant_id": entra_tenant_id, "is_platform": is_platform}
    async with owner.transaction(tenant_id) as db:
        # If another tenant has this Microsoft tenant, this transaction cannot see that tenant's row.
        added = await db.execute(insert(Tenant).values(row).on_conflict_do_nothing().returning(Tenant.id))
        if added.first() is None:
            raise entra_tenant_taken()
        await _settle_in(db, tenant_id, Actor.operator(tenant_id))
        if is_platform:
            await AuditStore(db, tenant_id).add(
                Actor.operator(tenant_id), "tenant.made_platform", "tenant", tenant_id
            )
    return tenant_id


async def create_tenant_for(
    platform: Principal, database: Database, name: str, *, entra_tenant_id: UUID | None
) -> UUID:
    """A new tenant with its `NEO_SUPPORT` agent, if the platform's key is still one."""
    tenant_id = uuid4()
    async with database.transaction(tenant_id) as db:
        await hold_right(db, platform, Right.RELAY)
        values = (tenant_id, name, entra_tenant_id, platform.credential.digest)
        [(became,)] = await call_within(db, "neo_create_tenant", *values)
        if became == "REFUSED":
            raise CallerNotAllowed("Only a live key of the platform creates tenants.")
        if became == "TAKEN":
            raise entra_tenant_taken()
        await _settle_in(db, tenant_id, platform.actor)
    return tenant_id


async def _settle_in(db: AsyncSession, tenant_id: UUID, actor: Actor) -> None:
    await AgentStore(db, tenant_id).create(
        SUPPORT_NAME, managed_key=ManagedAgentKey.NEO_SUPPORT, instructions=SUPPORT_INSTRUCTIONS
    )
    await AuditStore(db, tenant_id).add(actor, "tenant.created", "tenant", tenant_id)


def entra_tenant_taken() -> EntraTenantTaken:
    return EntraTenantTaken("Another tenant has this Microsoft tenant already: it belongs to one at most.")
