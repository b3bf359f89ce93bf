"""A tenant whose agents act: a scripted MCP server, and what became there of each turn's calls."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2
from sqlalchemy import text

from faults.world import World
from support.scripted_mcp import Stage

TOOLS = {
    "read": {"effect": "READ"},
    "keyed": {"effect": "KEYED", "gate": "NEVER", "keyed_by": "HEADER"},
    "write": {"effect": "WRITE", "gate": "NEVER"},
    "slow": {"effect": "WRITE", "gate": "NEVER"},
}
CALLS = text(
    "SELECT turn_id, name, status, arguments, outcome, attempts FROM tool_calls WHERE tenant_id = :tenant"
)


@dataclass
class Desk:
    world: World
    stage: Stage
    connection_id: str

    async def session(self, name: str, extra: str = "") -> str:
        """With an agent whose turns read, then write once with a key, then once without, by this name."""
        return await self.session_of(
            f'call=desk__read{{"about":"{name}"}},then,'
            f'call=desk__keyed{{"text":"k-{name}"}},call=desk__read{{"about":"2"}},then,'
            f'call=desk__write{{"text":"w-{name}"}},tokens=3{extra}'
        )

    async def session_of(self, model: str) -> str:
        agent = await self.sent(
            "POST",
            "/public-api/agents",
            name="Agent",
            autonomy_type="CONVERSATIONAL",
            model=f"scripted:{model}",
            toolbox={
                "tool_settings_by_type": {
                    "MCP": {"connections": [{"connection_id": self.connection_id, "allow": ["*"]}]}
                }
            },
        )
        return await self.world.caller.open(agent["id"])

    async def sent(self, method: str, path: str, **body: Any) -> Any:
        answered = await self.world.caller.call(method, path, json=body)
        assert answered.status in (200, 201), answered
        return answered.body["data"]

    async def effects(self) -> Counter[str]:
        """How often each text had its effect."""
        return Counter(effect["arguments"]["text"] for effect in await self.stage.effects())

    async def calls(self) -> list[Any]:
        async with self.world.stack.database.transaction(self.world.tenant_id) as db:
            return list((await db.execute(CALLS, {"tenant": self.world.tenant_id})).all())


@asynccontextmanager
async def desk_of(world: World) -> AsyncIterator[Desk]:
    served = urlsplit(world.stack.addresses.scripted_mcp_url)
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as http:
        stage = Stage(f"{served.scheme}://{served.netloc}", f"t{world.tenant_id.hex}", http)
        desk = Desk(world, stage, "")
        created = await desk.sent(
            "POST", "/public-api/connections", name="desk", kind="MCP_HTTP", url=stage.url, audience="MSP"
        )
        path = f"/public-api/connections/{created['id']}"
        await desk.sent("POST", f"{path}/pin", tools=list(TOOLS))
        for name, settings in TOOLS.items():
            await desk.sent("PATCH", f"{path}/tools/{name}", **settings)
        desk.connection_id = str(created["id"])
        yield desk


async def problems(desk: Desk) -> list[str]:
    """What a call says of itself against what its server saw."""
    effects = await desk.effects()
    found = []
    for call in await desk.calls():
        done = effects[str(call.arguments.get("text"))]
        said = f"{call.arguments} is {call.status} and had {done} effects"
        match call.name, call.status:
            case ("desk__read", "OK"):
                pass
            case ("desk__keyed" | "desk__write", "OK") if done == 1:
                pass
            case ("desk__write", "UNKNOWN") if done <= 1:
                pass
            case _:
                found.append(said)
    return found
