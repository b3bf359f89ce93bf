"""A session whose agent has the tools of a stage of the scripted MCP server, without a server of Neo's."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import text

from neo.turns.leases.claim import Task
from support.scripted_mcp import Stage as McpStage
from turns.stage import Stage

EFFECTS = {"read": "READ", "big": "READ", "slow": "WRITE", "keyed": "KEYED", "write": "WRITE"}
CONNECTION = """
INSERT INTO connections (id, tenant_id, name, kind, url, audience, health, is_untrusted)
VALUES (:id, :tenant, 'desk', 'MCP_HTTP', :url, 'MSP', 'OK', :is_untrusted)
"""
TOOL = """
INSERT INTO connection_tools
    (tenant_id, connection_id, name, listed, listed_digest, pinned, pinned_digest, effect, gate)
VALUES (:tenant, :id, :name, :told, 'd', :told, 'd', :effect, 'NEVER')
"""
TOOLBOX = """
UPDATE agents SET toolbox = :toolbox WHERE id = (SELECT agent_id FROM chat_sessions WHERE id = :id)
"""
PERSON = "INSERT INTO technicians (tenant_id, user_id, role) VALUES (:tenant, :id, 'User')"
TOLD = json.dumps({"description": "A tool.", "input_schema": {"type": "object"}})


@dataclass
class Acting:
    here: Stage
    mcp: McpStage
    author: dict[str, Any]
    task: Task

    @classmethod
    async def begin(
        cls, stage: Stage, mcp: McpStage, model: str, *, is_untrusted: bool = False, **effects: str
    ) -> "Acting":
        """A claimed turn."""
        here, connection = await stage.another(f"scripted:{model}"), uuid4()
        toolbox = {"connections": [{"connection_id": str(connection), "allow": ["*"]}]}
        of = {"tenant": here.tenant_id, "id": connection}
        author = {"author_kind": "technician", "author_id": uuid4(), "author_tenant_id": here.tenant_id}
        async with here.database.transaction(here.tenant_id) as db:
            await db.execute(text(PERSON), {"tenant": here.tenant_id, "id": author["author_id"]})
            await db.execute(text("DELETE FROM connections"))
            await db.execute(text(CONNECTION), {**of, "url": mcp.url, "is_untrusted": is_untrusted})
            for name, effect in {**EFFECTS, **effects}.items():
                await db.execute(text(TOOL), {**of, "name": name, "told": TOLD, "effect": effect})
            kept = json.dumps({"tool_settings_by_type": {"MCP": toolbox}})
            await db.execute(text(TOOLBOX), {"toolbox": kept, "id": here.session_id})
        return cls(here, mcp, author, await here.claimed(**author))

    async def again(self) -> Task:
        """The turn as whoever takes it over has it."""
        return await self.here.claim(self.task.turn)

    async def another_turn(self) -> Task:
        """The session's next turn, of the same author."""
        return await self.here.claimed(**self.author)

    async def execute(self, sql: str) -> None:
        async with self.here.database.transaction(self.here.tenant_id) as db:
            await db.execute(text(sql))

    async def statuses(self) -> list[str]:
        return [call.status for call in await self.here.calls(self.task.turn)]

    async def codes(self) -> list[str | None]:
        return [call.error_code for call in await self.here.calls(self.task.turn)]

    async def ended_as(self) -> str:
        return (await self.here.turn(self.task.turn)).status
