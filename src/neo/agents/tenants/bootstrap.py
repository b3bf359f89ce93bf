"""Creates the first tenant of a fresh installation with an API key, so that it can be used at once."""

from dataclasses import dataclass
from uuid import UUID

from neo.access import ApiKeyStore, Pepper
from neo.agents.tenants.onboard import create_tenant
from neo.db import Database
from neo.tenants import all_tenants

FIRST_TENANT_NAME = "First tenant"
FIRST_KEY_NAME = "First key"


@dataclass(frozen=True)
class FirstTenant:
    """`api_key` is None when the tenant was already there: a key is shown once."""

    tenant_id: UUID
    api_key: str | None


async def first_tenant(owner_url: str, secret_key: str, environment: str = "local") -> FirstTenant:
    owner = Database(owner_url, connections_max=1)
    try:
        async with owner.without_tenant() as connection:
            existing = await all_tenants(connection)
        if existing:
            return FirstTenant(existing[0].id, None)
        tenant_id = await create_tenant(owner, FIRST_TENANT_NAME)
        pepper = Pepper(tuple(secret_key.split(",")))
        async with owner.transaction(tenant_id) as db:
            keys = ApiKeyStore(db, tenant_id)
            _, key = await keys.create(FIRST_KEY_NAME, environment=environment, pepper=pepper)
    finally:
        await owner.aclose()
    return FirstTenant(tenant_id, key)
