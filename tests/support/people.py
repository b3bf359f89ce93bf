"""Dashboard users: a tenant's people with a role in the roster and a token of the test's identity provider."""

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert, text

from neo.people import Technician
from support.client import Client
from support.issuer import Issuer
from support.rows import Rows

ENTRA_OF = text("SELECT entra_tenant_id FROM tenants WHERE id = :id")
LOCK_OUT = text("UPDATE technicians SET is_active = false WHERE user_id = :id")
LINK = text("UPDATE tenants SET entra_tenant_id = :entra WHERE id = :id")


class People:
    def __init__(self, url: str, rows: Rows, identity: Issuer) -> None:
        self._url = url
        self.rows = rows
        self._identity = identity
        self._clients: list[Client] = []

    async def entra_tenant(self, tenant_id: UUID) -> UUID:
        """The tenant's Microsoft tenant, onboarded when it was not yet."""
        async with self.rows.owner.without_tenant() as owner:
            found = await owner.scalar(ENTRA_OF, {"id": tenant_id})
            if found is None:
                found = uuid4()
                await owner.execute(LINK, {"id": tenant_id, "entra": found})
        return UUID(str(found))

    async def token(self, tenant_id: UUID, oid: UUID, *without: str, **claims: Any) -> str:
        tid = str(await self.entra_tenant(tenant_id))
        iss = f"{self._identity.url}/{tid}/v2.0"
        return self._identity.token(*without, **{"tid": tid, "iss": iss, "oid": str(oid), **claims})

    async def join(self, tenant_id: UUID, role: str, oid: UUID | None = None) -> tuple[UUID, Client]:
        """A person who is in the roster, and their client."""
        oid = oid or uuid4()
        row = {"tenant_id": tenant_id, "user_id": oid, "role": role, "name": f"A {role}"}
        async with self.rows.database.transaction(tenant_id) as db:
            await db.execute(insert(Technician).values(row))
        return oid, self.client(await self.token(tenant_id, oid))

    async def lock_out(self, tenant_id: UUID, oid: UUID) -> None:
        async with self.rows.database.transaction(tenant_id) as db:
            await db.execute(LOCK_OUT, {"id": oid})

    def client(self, token: str) -> Client:
        client = Client(self._url, token)
        self._clients.append(client)
        return client

    async def aclose(self) -> None:
        for client in self._clients:
            await client.http.aclose()
