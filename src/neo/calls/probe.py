"""Asks the tool that can tell what has become of a call."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

from neo.calls.call import Call
from neo.connections import (
    ConnectionToolNotFound,
    Effect,
    Outcome,
    ToolState,
    ToolStore,
    TurnClients,
    problems_of,
)
from neo.db import Database
from neo.errors import Failure

PROBE_SECONDS_MAX = 10.0


@dataclass(frozen=True, slots=True)
class Probe:
    database: Database
    tenant_id: UUID

    async def ask(self, call: Call, clients: TurnClients, cancelled: asyncio.Event) -> Outcome | None:
        """None where there is no such tool that somebody has agreed to, that only reads, and that takes these
        arguments.
        """
        name = call.probe_tool
        try:
            if name is None or not await self._may_be_asked(call, name):
                return None
            client = await clients.of(call.connection_id)
        except Failure:
            return None
        seconds = min(call.seconds, PROBE_SECONDS_MAX)
        return await client.call(
            name, call.arguments, key=f"{call.id}-probe", seconds=seconds, cancelled=cancelled
        )

    async def _may_be_asked(self, call: Call, name: str) -> bool:
        async with self.database.transaction(self.tenant_id) as db:
            try:
                tool = await ToolStore(db, self.tenant_id).get(call.connection_id, name)
            except ConnectionToolNotFound:
                return False
        schema = (tool.pinned or {}).get("input_schema", {})
        is_read = tool.state == ToolState.PINNED and tool.used_effect is Effect.READ
        return is_read and not problems_of(schema, call.arguments)
