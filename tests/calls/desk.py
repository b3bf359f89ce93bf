"""An agent with the tools of a stage of the scripted MCP server, and a turn of it, seen from outside."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from support.client import Client, Event
from support.scripted_mcp import Stage

CONNECTIONS, AGENTS = "/public-api/connections", "/public-api/agents"
EFFECTS = {
    "read": "READ",
    "big": "READ",
    "raise": "READ",
    "keyed": "KEYED",
    "write": "WRITE",
    "slow": "WRITE",
}


@dataclass
class Turn:
    session: str
    accepted: dict[str, Any]
    events: list[Event]

    @property
    def outcomes(self) -> list[dict[str, Any]]:
        """What readers were told of how calls have ended."""
        return [one.chunk for one in self.events if one.type.startswith(("tool-output", "tool-input-error"))]


@dataclass
class Desk:
    """A connection, named `desk` unless it is told otherwise, all of whose tools may be called."""

    client: Client
    stage: Stage
    connection: str
    name: str = "desk"

    @classmethod
    async def open(
        cls, client: Client, stage: Stage, effects: Mapping[str, str] = EFFECTS, **fields: Any
    ) -> "Desk":
        body = {"name": cls.name, "kind": "MCP_HTTP", "url": stage.url, **fields}
        created = await _sent(client, "POST", CONNECTIONS, **body)
        assert created["status"] == "OK", created
        desk = cls(client, stage, created["id"], created["name"])
        await desk.pin("*")
        for name, effect in effects.items():
            await desk.set(name, effect=effect, gate="NEVER")
        return desk

    async def pin(self, *names: str) -> None:
        await _sent(self.client, "POST", f"{CONNECTIONS}/{self.connection}/pin", tools=list(names))

    async def check(self) -> None:
        await _sent(self.client, "POST", f"{CONNECTIONS}/{self.connection}/check")

    async def set(self, name: str, **fields: Any) -> None:
        await _sent(self.client, "PATCH", f"{CONNECTIONS}/{self.connection}/tools/{name}", **fields)

    async def change(self, **fields: Any) -> None:
        await _sent(self.client, "PATCH", f"{CONNECTIONS}/{self.connection}", **fields)

    async def agent(self, model: str, dialect: str = "scripted") -> int:
        connections = [{"connection_id": self.connection, "allow": ["*"]}]
        toolbox = {"tool_settings_by_type": {"MCP": {"connections": connections}}}
        fields = {"autonomy_type": "CONVERSATIONAL", "name": "Helper", "model": f"{dialect}:{model}"}
        return int((await _sent(self.client, "POST", AGENTS, **fields, toolbox=toolbox))["id"])

    async def said(self, model: str, message: str = "Please.", dialect: str = "scripted") -> Turn:
        """A turn to its end."""
        return await self.say(await self.session(model, dialect), message)

    async def session(self, model: str, dialect: str = "scripted") -> str:
        return await self.client.open(agent_id=await self.agent(model, dialect))

    async def say(self, session: str, message: str) -> Turn:
        accepted = await self.client.say(session, message)
        return Turn(session, accepted, await self.client.events(session, accepted["since_cursor"]))


async def _sent(client: Client, method: str, path: str, **body: Any) -> Any:
    answer = await client.http.request(method, path, json=body)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()["data"]
