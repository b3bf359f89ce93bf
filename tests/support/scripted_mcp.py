"""The scripted MCP server as a process of its own, and one stage of it as a test directs it."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx2

from support.ports import free_port

START_TRIES = 400
STATELESS = "2026-07-28"
META = "io.modelcontextprotocol/"
_NUMBERS = count(1)


@dataclass(frozen=True)
class Stage:
    """Nobody else's, so that tests run beside each other."""

    root: str
    name: str
    http: httpx2.AsyncClient

    @property
    def url(self) -> str:
        return f"{self.root}/stages/{self.name}/mcp"

    @property
    def token_url(self) -> str:
        return f"{self.root}/stages/{self.name}/token"

    async def change(self, **script: Any) -> None:
        answer = await self.http.patch(self._control(), json=script)
        assert answer.status_code == 200, answer.text

    async def shown(self) -> dict[str, Any]:
        return dict((await self.http.get(self._control())).json())

    async def calls(self, at_least: int = 0) -> list[dict[str, Any]]:
        """Every call of a tool, once there are so many."""
        answer = await self.http.get(self._control("/calls"), params={"at_least": at_least})
        return list(answer.json()["calls"])

    async def effects(self) -> list[dict[str, Any]]:
        return list((await self.http.get(self._control("/effects"))).json()["effects"])

    async def put_tool(self, name: str, **fields: Any) -> None:
        assert (await self.http.put(self._control(f"/tools/{name}"), json=fields)).status_code == 200

    async def delete_tool(self, name: str) -> None:
        assert (await self.http.delete(self._control(f"/tools/{name}"))).status_code == 204

    async def expire(self) -> None:
        assert (await self.http.post(self._control("/expire"))).status_code == 204

    def request(self, method: str, **params: Any) -> httpx2.Request:
        """A request of the stateless protocol, in plain HTTP."""
        meta = {
            META + "protocolVersion": STATELESS,
            META + "clientCapabilities": {},
            **params.pop("_meta", {}),
        }
        headers = {"mcp-protocol-version": STATELESS, "mcp-method": method}
        if "name" in params:
            headers["mcp-name"] = params["name"]
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}
        return self.http.build_request("POST", self.url, json=body, headers=headers)

    async def post(
        self, method: str, headers: dict[str, str] | None = None, **params: Any
    ) -> httpx2.Response:
        request = self.request(method, **params)
        request.headers.update(headers or {})
        return await self.http.send(request)

    async def call(self, tool: str, arguments: dict[str, Any], **params: Any) -> dict[str, Any]:
        answer = await self.post("tools/call", name=tool, arguments=arguments, **params)
        return dict(answer.json())

    def _control(self, path: str = "") -> str:
        return f"{self.root}/stages/{self.name}/control{path}"


@dataclass
class ScriptedMcp:
    url: str
    http: httpx2.AsyncClient
    process: "subprocess.Popen[bytes] | None" = None

    def stage(self) -> Stage:
        return Stage(self.url, f"s{next(_NUMBERS)}", self.http)


@asynccontextmanager
async def scripted_mcp_running(*command: str) -> AsyncIterator[ScriptedMcp]:
    port = free_port()
    process = _started(*(command or (sys.executable, "-m", "neo.engines.scripted_mcp")), "--port", str(port))
    try:
        url = f"http://127.0.0.1:{port}"
        async with httpx2.AsyncClient(trust_env=False, verify=False, timeout=20) as http:
            await _healthy(http, url)
            yield ScriptedMcp(url, http, process)
    finally:
        process.kill()
        process.wait(10)


def _started(*command: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


async def _healthy(http: httpx2.AsyncClient, url: str) -> None:
    for _ in range(START_TRIES):
        try:
            await http.get(f"{url}/health")
        except httpx2.TransportError:
            await asyncio.sleep(0.05)
        else:
            return
    raise AssertionError("The scripted MCP server did not start.")
