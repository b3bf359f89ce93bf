"""What a tenant does with the tools of its connections: look, say yes, and say what each of them does."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import Principal, Right, changing
from neo.audit import AuditStore
from neo.connections.administer.tools.rules import check_settings
from neo.connections.administer.tools.schemas import EVERY
from neo.connections.rows.errors import ConnectionToolNotFound, ToolChanged, ToolUnusable
from neo.connections.rows.models import ConnectionTool, ToolState
from neo.connections.rows.store import ConnectionStore
from neo.connections.rows.tool_store import ToolStore
from neo.db import Database

# An entry of the audit log names so many; how many they were is in it.
NAMED_MAX = 50


class ToolDesk:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self, caller: Principal, connection_id: UUID) -> Sequence[ConnectionTool]:
        async with self._database.transaction(caller.tenant_id) as db:
            await ConnectionStore(db, caller.tenant_id).get(connection_id)
            return await ToolStore(db, caller.tenant_id).all(connection_id)

    async def pin(
        self, caller: Principal, connection_id: UUID, names: Sequence[str], digests: Mapping[str, str]
    ) -> Sequence[ConnectionTool]:
        async with changing(self._database, caller, Right.MANAGE_TOOLS) as db:
            # Locked, so that no check changes what is said yes to.
            await ConnectionStore(db, caller.tenant_id).lock(connection_id)
            tools = ToolStore(db, caller.tenant_id)
            found = {tool.name: tool for tool in await tools.all(connection_id)}
            _check_digests(found, digests)
            wanted = [tool.name for tool in _wanted(found, names) if tool.state != ToolState.PINNED]
            if wanted:
                await tools.pin(connection_id, wanted, caller.account_id)
                named = {"tools": wanted[:NAMED_MAX], "count": len(wanted)}
                await _record(db, caller, "connection.tools_pinned", connection_id, **named)
            return await tools.all(connection_id)

    async def change(
        self, caller: Principal, connection_id: UUID, name: str, changes: Mapping[str, Any]
    ) -> ConnectionTool:
        async with changing(self._database, caller, Right.MANAGE_TOOLS) as db:
            await ConnectionStore(db, caller.tenant_id).lock(connection_id)
            tools = ToolStore(db, caller.tenant_id)
            found = {tool.name: tool for tool in await tools.all(connection_id)}
            tool = found.get(name)
            if tool is None:
                raise ConnectionToolNotFound("The connection has no such tool.")
            differing = {key: value for key, value in changes.items() if getattr(tool, key) != value}
            check_settings(found, tool, differing)
            if differing:
                await tools.change(connection_id, name, differing)
                plain = {key: value for key, value in differing.items() if key != "gate_when"}
                details = {"tool": name, "fields": sorted(differing), **plain}
                await _record(db, caller, "connection.tool_updated", connection_id, **details)
            return await tools.get(connection_id, name)

    async def get(self, caller: Principal, connection_id: UUID, name: str) -> ConnectionTool:
        async with self._database.transaction(caller.tenant_id) as db:
            await ConnectionStore(db, caller.tenant_id).get(connection_id)
            return await ToolStore(db, caller.tenant_id).get(connection_id, name)


def _wanted(found: Mapping[str, ConnectionTool], names: Sequence[str]) -> list[ConnectionTool]:
    """Those that were named, and with `*` all that can be pinned."""
    named = [name for name in dict.fromkeys(names) if name != EVERY]
    if unknown := [name for name in named if name not in found]:
        raise ConnectionToolNotFound(
            "The connection has no tools of these names.", details={"tools": unknown[:NAMED_MAX]}
        )
    if bad := {name: found[name].problem for name in named if found[name].problem}:
        raise ToolUnusable("These tools cannot be pinned as they are listed.", details={"tools": bad})
    rest = [tool for tool in found.values() if tool.problem is None] if EVERY in names else []
    return list({tool.name: tool for tool in [*(found[name] for name in named), *rest]}.values())


def _check_digests(found: Mapping[str, ConnectionTool], digests: Mapping[str, str]) -> None:
    changed = [
        name for name, digest in digests.items() if name in found and found[name].listed_digest != digest
    ]
    if changed:
        raise ToolChanged(
            "The server says something else of these tools than what you have read.",
            details={"tools": changed[:NAMED_MAX]},
        )


async def _record(
    db: AsyncSession, caller: Principal, action: str, connection_id: UUID, **details: Any
) -> None:
    await AuditStore(db, caller.tenant_id).add(
        caller.actor, action, "connection", connection_id, details=details
    )
