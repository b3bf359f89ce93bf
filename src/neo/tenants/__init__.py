"""Tenants: one managed-service provider each (`client_id` in the API).

A tenant's rows are seen by transactions of that tenant only. Listing tenants is the operator's, through the
owner's role.
"""

from neo.tenants.models import Tenant
from neo.tenants.store import TenantStore, all_tenants, find_tenant

__all__ = ["Tenant", "TenantStore", "all_tenants", "find_tenant"]
