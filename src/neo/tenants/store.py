from collections.abc import Sequence

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from neo.tenants.models import Tenant


async def all_tenants(owner: AsyncConnection) -> Sequence[Row[Tenant]]:
    """Every tenant, oldest first; needs a connection of the owner's role."""
    found = await owner.execute(select(Tenant.__table__).order_by(Tenant.created_at))
    return found.all()
