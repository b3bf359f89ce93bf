"""What only the operator sets for a tenant that is there: its Microsoft tenant, its suspension. Its time
zone can be set by its own people too.

The application's role cannot write the others, so the database is opened as the owner's.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.exc import IntegrityError

from neo.agents.tenants.onboard import entra_tenant_taken
from neo.agents.tenants.timezone import check_timezone
from neo.audit import Actor, AuditStore
from neo.db import Database
from neo.tenants import TenantStore, find_tenant


class TenantOperator:
    """Each method returns False when there is no such tenant."""

    def __init__(self, owner: Database) -> None:
        self._owner = owner

    async def suspend(self, tenant_id: UUID) -> bool:
        return await self._change(tenant_id, "tenant.suspended", suspended_at=func.now())

    async def resume(self, tenant_id: UUID) -> bool:
        return await self._change(tenant_id, "tenant.resumed", suspended_at=None)

    async def set_entra(self, tenant_id: UUID, entra_tenant_id: UUID) -> bool:
        try:
            return await self._change(tenant_id, "tenant.entra_set", entra_tenant_id=entra_tenant_id)
        except IntegrityError as error:
            raise entra_tenant_taken() from error

    async def set_timezone(self, tenant_id: UUID, timezone: str) -> bool:
        async with self._owner.transaction(tenant_id) as db:
            await check_timezone(TenantStore(db, tenant_id), timezone)
        return await self._change(tenant_id, "tenant.timezone_set", timezone=timezone)

    async def _change(self, tenant_id: UUID, action: str, **columns: Any) -> bool:
        async with self._owner.transaction(tenant_id) as db:
            if await find_tenant(db, tenant_id) is None:
                return False
            await TenantStore(db, tenant_id).change(columns)
            await AuditStore(db, tenant_id).add(Actor.operator(tenant_id), action, "tenant", tenant_id)
        return True
