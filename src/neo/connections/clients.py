"""The clients of one turn: one for each connection that it calls, opened at its first call and closed with the turn."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Self
from uuid import UUID

import orjson

from neo.connections.http_api import HttpApiClient, Operation
from neo.connections.mcp import McpClient
from neo.connections.outcome import Ending, Outcome
from neo.connections.rows.errors import ConnectionDisabled, ConnectionNeedsAuth
from neo.connections.rows.models import ConnectionKind, ConnectionTool, Health
from neo.connections.rows.store import ConnectionStore
from neo.connections.rows.targets import Targets
from neo.connections.rows.tool_store import ToolStore
from neo.connections.servers import Servers
from neo.db import Database
from neo.vault import KeyWrapping

# In the schema of an argument that goes with a call as a header too.
HEADER_KEY = b'"x-mcp-header"'


class Clients:
    """What turns take their clients from; one for the process."""

    def __init__(self, database: Database, servers: Servers, wrapping: KeyWrapping) -> None:
        self._database = database
        self._servers = servers
        self._wrapping = wrapping

    def of_turn(self, tenant_id: UUID) -> "TurnClients":
        return TurnClients(self._database, self._servers, self._wrapping, tenant_id)


class TurnClients:
    """Nothing is read or opened before a call asks for it."""

    def __init__(self, database: Database, servers: Servers, wrapping: KeyWrapping, tenant_id: UUID) -> None:
        self._database = database
        self._servers = servers
        self._wrapping = wrapping
        self._tenant_id = tenant_id
        self._opening = asyncio.Lock()
        self._clients: dict[UUID, McpClient | HttpApiClient] = {}
        self._closing = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._closing.aclose()

    async def of(self, connection_id: UUID) -> McpClient | HttpApiClient:
        """The turn's client of a connection, for all its calls. Raises `ConnectionNotFound`, `ConnectionDisabled`,
        `ConnectionNeedsAuth` and `SecretUnreadable`: nothing has left then.
        """
        async with self._opening:
            if connection_id not in self._clients:
                self._clients[connection_id] = await self._opened(connection_id)
            return self._clients[connection_id]

    async def note(self, connection_id: UUID, outcome: Outcome) -> None:
        """Say how a call ended. Where the server does not accept what Neo signs in with, later turns do not try."""
        if outcome.ending is Ending.NEEDS_AUTH:
            async with self._database.transaction(self._tenant_id) as db:
                await ConnectionStore(db, self._tenant_id).note_refused(connection_id, outcome.detail)

    async def _opened(self, connection_id: UUID) -> McpClient | HttpApiClient:
        async with self._database.transaction(self._tenant_id) as db:
            connection = await ConnectionStore(db, self._tenant_id).get(connection_id)
            if connection.is_disabled:
                raise ConnectionDisabled("The connection is switched off.")
            if connection.health == Health.NEEDS_AUTH or connection.lacks_secret:
                raise ConnectionNeedsAuth("The connection needs a new secret.")
            target = await Targets(db, self._tenant_id, self._wrapping).of(connection)
            pinned = await ToolStore(db, self._tenant_id).pinned([connection.id])
        if connection.kind == ConnectionKind.HTTP_API:
            return await self._closing.enter_async_context(
                self._servers.http_api(target, _operations(pinned))
            )
        known = replace(target, wants_arguments_in_headers=any(map(_has_header, pinned)))
        return await self._closing.enter_async_context(self._servers.mcp(known))


def _operations(pinned: Sequence[ConnectionTool]) -> list[Operation]:
    """What was said yes to, and not what a newer document says."""
    return [Operation.kept(tool.name, tool.pinned) for tool in pinned if tool.pinned]


def _has_header(tool: ConnectionTool) -> bool:
    return HEADER_KEY in orjson.dumps((tool.pinned or {}).get("input_schema"))
