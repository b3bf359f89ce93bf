"""A tenant with agents of both audiences, and its channels."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx2
from sqlalchemy import select

from neo.agents import Audience
from neo.audit import AuditEntry
from support.client import Client
from support.rows import Rows
from support.server import Server

CHANNELS = "/public-api/channels"


def code(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@dataclass
class Desk:
    client: Client
    rows: Rows
    tenant_id: UUID
    internal: int
    white_label: int

    @classmethod
    async def open(cls, server: Server, rows: Rows) -> "Desk":
        tenant = await rows.tenant()
        return cls(
            Client(server.url, tenant.api_key),
            rows,
            tenant.id,
            await rows.agent(tenant_id=tenant.id),
            await rows.agent(tenant_id=tenant.id, audience=Audience.END_USER),
        )

    def body(self, **fields: Any) -> dict[str, Any]:
        """An MSP channel, unless the fields say otherwise."""
        is_white_label = fields.get("audience") == "END_USER"
        agent_id = self.white_label if is_white_label else self.internal
        return {"internal_name": "Service desk", "audience": "MSP", "agent_id": agent_id, **fields}

    async def post(self, **fields: Any) -> httpx2.Response:
        return await self.client.http.post(CHANNELS, json=self.body(**fields))

    async def make(self, **fields: Any) -> dict[str, Any]:
        answer = await self.post(**fields)
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["data"])

    async def make_white_label(self, **fields: Any) -> dict[str, Any]:
        bot_id = fields.pop("bot_id", None) or await self.bot()
        return await self.make(audience="END_USER", bot_id=bot_id, **fields)

    async def bot(self) -> str:
        """A bot of the tenant's own."""
        return str(await self.rows.bot(self.tenant_id))

    async def get(self, path: str, **params: Any) -> httpx2.Response:
        return await self.client.http.get(f"{CHANNELS}{path}", params=params)

    async def patch(self, channel: dict[str, Any], **fields: Any) -> httpx2.Response:
        return await self.client.http.patch(f"{CHANNELS}/{channel['id']}", json=fields)

    async def delete(self, path: str) -> httpx2.Response:
        return await self.client.http.delete(f"{CHANNELS}{path}")

    async def install(self, channel: dict[str, Any], end_client: object) -> httpx2.Response:
        return await self.client.http.put(f"{CHANNELS}/{channel['id']}/installs/{end_client}")

    async def audited(self) -> list[AuditEntry]:
        wanted = select(AuditEntry).where(AuditEntry.object_kind == "channel").order_by(AuditEntry.id)
        async with self.rows.database.transaction(self.tenant_id) as db:
            return list((await db.scalars(wanted)).all())

    async def aclose(self) -> None:
        await self.client.http.aclose()
