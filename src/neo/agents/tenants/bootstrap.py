"""Creates the first tenant of a fresh installation with an API key, so that it can be used at once."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

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


async def first_tenant(
    database_url: str, owner_url: str, secret_key: str, environment: str = "local"
) -> FirstTenant:
    existing = await _oldest_tenant(owner_url)
    if existing is not None:
        return FirstTenant(existing, None)
    database = Database(database_url, connections_max=1)
    try:
        tenant_id = await create_tenant(database, FIRST_TENANT_NAME)
        pepper = Pepper(tuple(secret_key.split(",")))
        async with database.transaction(tenant_id) as db:
            keys = ApiKeyStore(db, tenant_id)
            _, key = await keys.create(FIRST_KEY_NAME, environment=environment, pepper=pepper)
    finally:
        await database.aclose()
    return FirstTenant(tenant_id, key)


async def _oldest_tenant(owner_url: str) -> UUID | None:
    engine = create_async_engine(owner_url, poolclass=NullPool)
    try:
        async with engine.connect() as owner:
            found = await all_tenants(owner)
    finally:
        await engine.dispose()
    return found[0].id if found else None
