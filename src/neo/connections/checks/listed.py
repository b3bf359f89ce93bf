"""Stores which tools a connection has: pins stay, and what is described otherwise than it was pinned is not offered."""

from collections.abc import Iterable
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from neo.connections.rows.models import Connection, ToolState
from neo.connections.rows.tool_store import ToolStore

log = structlog.get_logger()


async def store_listed(db: AsyncSession, connection: Connection, told: Iterable[dict[str, Any]]) -> None:
    """The connection's row is locked, so that nobody pins meanwhile."""
    tools = ToolStore(db, connection.tenant_id)
    known = {tool.name: (tool.listed_digest, tool.problem) for tool in await tools.all(connection.id)}
    by_name = {one["name"]: one for one in told}
    changed = [
        one for one in by_name.values() if known.get(one["name"]) != (one["listed_digest"], one["problem"])
    ]
    gone = [name for name, (digest, _) in known.items() if digest is not None and name not in by_name]
    await tools.note_listed(connection.id, changed)
    if gone:
        await tools.note_gone(connection.id, gone)
    if known and (changed or gone):
        counts = (await tools.counts([connection.id]))[connection.id]
        await _log(connection, counts)


async def _log(connection: Connection, counts: dict[str, int]) -> None:
    told = {state.lower(): counts.get(state, 0) for state in ToolState}
    ids = {"tenant_id": str(connection.tenant_id), "connection_id": str(connection.id)}
    log.info("connection_tools_changed", **ids, **told)
