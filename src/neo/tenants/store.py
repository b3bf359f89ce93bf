from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from neo.tenants.models import Tenant

# PostgreSQL has its own list, whatever the machine has; `AT TIME ZONE` would accept more than names.
TIMEZONE_EXISTS = text("SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = :name)")


class TenantStore:
    """The transaction's own tenant: row-level security hides all others."""

    def __init__(self, db: AsyncSession, tenant_id: UUID) -> None:
        self._db = db
        self._tenant_id = tenant_id

    async def get(self) -> Tenant:
        return (await self._db.scalars(self._owned())).one()

    async def lock(self) -> Tenant:
        """The tenant with its row locked, to change it. Rows that refer to it can still be added meanwhile."""
        return (await self._db.scalars(self._owned().with_for_update(key_share=True))).one()

    async def change(self, changes: dict[str, Any]) -> Tenant:
        """Which columns may change depends on the database role: the owner's may change more of them."""
        values = {**changes, "updated_at": func.now()}
        changed = await self._db.scalars(
            update(Tenant).where(Tenant.id == self._tenant_id).values(values).returning(Tenant),
            execution_options={"populate_existing": True},
        )
        return changed.one()

    async def knows_timezone(self, name: str) -> bool:
        return bool(await self._db.scalar(TIMEZONE_EXISTS, {"name": name}))

    def _owned(self) -> Select[Tenant]:
        return select(Tenant).where(Tenant.id == self._tenant_id)


async def all_tenants(owner: AsyncConnection) -> Sequence[Row[Tenant]]:
    """Every tenant, oldest first; needs a connection of the owner's role."""
    found = await owner.execute(select(Tenant.__table__).order_by(Tenant.created_at))
    return found.all()


async def find_tenant(db: AsyncSession, tenant_id: UUID) -> Tenant | None:
    """The tenant with this id, when it is the transaction's own; None for any other."""
    return await db.scalar(select(Tenant).where(Tenant.id == tenant_id))
