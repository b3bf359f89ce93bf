from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from neo.tenants.models import Tenant


async def all_tenants(owner: AsyncConnection) -> Sequence[Row[Tenant]]:
    """Every tenant, oldest first; needs a connection of the owner's role."""
    found = await owner.execute(select(Tenant.__table__).order_by(Tenant.created_at))
    return found.all()


async def find_tenant(db: AsyncSession, tenant_id: UUID) -> Tenant | None:
    """The tenant of this transaction; no other is seen."""
    return await db.scalar(select(Tenant).where(Tenant.id == tenant_id))
