"""The caller's own tenant and its settings; and new tenants, for the platform.

It is here and not in `tenants/`, the lowest folder: a change is recorded and a tenant is
created with its agent, and this is the lowest folder that reaches both.
"""

from typing import Any
from uuid import UUID

from neo.access import Principal, Right, changing
from neo.agents.tenants.onboard import create_tenant_for
from neo.agents.tenants.timezone import check_timezone
from neo.audit import AuditStore
from neo.db import Database
from neo.tenants import Tenant, TenantStore


class TenantDesk:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, caller: Principal) -> Tenant:
        return await self._get(caller.tenant_id)

    async def create(self, caller: Principal, name: str, *, entra_tenant_id: UUID | None) -> Tenant:
        tenant_id = await create_tenant_for(caller, self._database, name, entra_tenant_id=entra_tenant_id)
        return await self._get(tenant_id)

    async def change_settings(self, caller: Principal, wanted: dict[str, Any]) -> Tenant:
        """Change only the named fields."""
        async with changing(self._database, caller, Right.MANAGE_TENANT) as db:
            tenants = TenantStore(db, caller.tenant_id)
            tenant = await tenants.lock()
            await check_timezone(tenants, wanted.get("timezone"))
            changes = {name: value for name, value in wanted.items() if value != getattr(tenant, name)}
            if changes:
                tenant = await tenants.change(changes)
                await AuditStore(db, caller.tenant_id).add(
                    caller.actor, "settings.updated", "tenant", tenant.id, details={"fields": sorted(changes)}
                )
            return tenant

    async def _get(self, tenant_id: UUID) -> Tenant:
        async with self._database.transaction(tenant_id) as db:
            return await TenantStore(db, tenant_id).get()
