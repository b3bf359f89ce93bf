"""What no route makes yet: tenants with keys, and agents with a model of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import text

from neo.access import ApiKeyStore, Operator, Pepper
from neo.agents import Access, AgentStore, Audience, AutonomyType, create_tenant
from neo.channels import BotDesk
from neo.db import Database
from neo.vault import SecretKeyWrapping
from support.client import Client
from support.server import Server


@dataclass(frozen=True)
class Tenant:
    id: UUID
    api_key: str


async def opened(server: Server, tenant: Tenant) -> UUID:
    """A session of this tenant's, opened as it would."""
    client = Client(server.url, tenant.api_key)
    session = UUID(await client.open())
    await client.http.aclose()
    return session


class Rows:
    def __init__(self, server: Server) -> None:
        self._server = server
        self.database = Database(server.addresses.database_url, connections_max=5)
        self.owner = Database(server.addresses.database_owner_url, connections_max=2)

    @property
    def wrapping(self) -> SecretKeyWrapping:
        """What the server's own secrets are sealed by: an examination of it finds those that it cannot open."""
        return SecretKeyWrapping((self._secret,))

    @property
    def _secret(self) -> str:
        return (self._server.data / "secret").read_text().strip()

    async def tenant(self, name: str = "Another tenant") -> Tenant:
        tenant_id = await create_tenant(self.owner, name)
        return Tenant(tenant_id, await self.key(tenant_id))

    async def platform(self) -> Tenant:
        """The platform, whose keys may act for other tenants: only the owner's role can make one."""
        tenant = await self.tenant("The platform")
        async with self.owner.without_tenant() as owner:
            await owner.execute(
                text("UPDATE tenants SET is_platform = true WHERE id = :id"), {"id": tenant.id}
            )
        return tenant

    async def bot(self, tenant_id: UUID, bot_id: UUID | None = None) -> UUID:
        """A bot that the operator has granted to the tenant."""
        granted = await BotDesk(self.owner).grant(Operator(tenant_id), tenant_id, bot_id or uuid4())
        return granted.id

    async def key(self, tenant_id: UUID) -> str:
        pepper = Pepper((self._secret,))
        async with self.owner.transaction(tenant_id) as db:
            _, key = await ApiKeyStore(db, tenant_id).create("test", environment="local", pepper=pepper)
        return key

    async def revoke_keys(self, tenant_id: UUID) -> None:
        async with self.database.transaction(tenant_id) as db:
            await db.execute(text("UPDATE api_keys SET revoked_at = now()"))

    async def suspend(self, tenant_id: UUID) -> None:
        async with self.owner.without_tenant() as owner:
            await owner.execute(
                text("UPDATE tenants SET suspended_at = now() WHERE id = :id"), {"id": tenant_id}
            )

    async def agent(
        self,
        model: str | None = None,
        *,
        tenant_id: UUID | None = None,
        autonomy_type: AutonomyType = AutonomyType.CONVERSATIONAL,
        audience: Audience = Audience.MSP,
        access: Access = Access.ALL_USERS,
        access_user_ids: Sequence[UUID] = (),
    ) -> int:
        tenant_id = tenant_id or UUID(self._server.tenant_id)
        async with self.database.transaction(tenant_id) as db:
            return await AgentStore(db, tenant_id).create(
                "Test agent",
                model=model,
                autonomy_type=autonomy_type,
                audience=audience,
                access=access,
                access_user_ids=access_user_ids,
            )

    async def aclose(self) -> None:
        await self.database.aclose()
        await self.owner.aclose()
