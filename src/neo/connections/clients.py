"""The clients of one turn: one for each connection that it calls, opened at its first call and closed with the turn."""

import asyncio
from contextlib import AsyncExitStack
from typing import Self
from uuid import UUID

from neo.connections.mcp import McpClient, McpServers
from neo.connections.outcome import Ending, Outcome
from neo.connections.rows.errors import ConnectionDisabled, ConnectionNeedsAuth
from neo.connections.rows.models import Health
from neo.connections.rows.store import ConnectionStore
from neo.connections.rows.targets import Targets
from neo.db import Database
from neo.vault import KeyWrapping


class Clients:
    """What turns take their clients from; one for the process."""

    def __init__(self, database: Database, servers: McpServers, wrapping: KeyWrapping) -> None:
        self._database = database
        self._servers = servers
        self._wrapping = wrapping

    def of_turn(self, tenant_id: UUID) -> "TurnClients":
        return TurnClients(self._database, self._servers, self._wrapping, tenant_id)


class TurnClients:
    """Nothing is read or opened before a call asks for it."""

    def __init__(
        self, database: Database, servers: McpServers, wrapping: KeyWrapping, tenant_id: UUID
    ) -> None:
        self._database = database
        self._servers = servers
        self._wrapping = wrapping
        self._tenant_id = tenant_id
        self._opening = asyncio.Lock()
        self._clients: dict[UUID, McpClient] = {}
        self._closing = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._closing.aclose()

    async def of(self, connection_id: UUID) -> McpClient:
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

    async def _opened(self, connection_id: UUID) -> McpClient:
        async with self._database.transaction(self._tenant_id) as db:
            connection = await ConnectionStore(db, self._tenant_id).get(connection_id)
            if connection.is_disabled:
                raise ConnectionDisabled("The connection is switched off.")
            if connection.health == Health.NEEDS_AUTH or connection.lacks_secret:
                raise ConnectionNeedsAuth("The connection needs a new secret.")
            target = await Targets(db, self._tenant_id, self._wrapping).of(connection)
        return await self._closing.enter_async_context(self._servers.client(target))
