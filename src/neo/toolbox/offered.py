"""The tools that an agent may be offered now, each with what a call of it needs to know."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from neo.connections import (
    Connection,
    ConnectionStore,
    ConnectionTool,
    Effect,
    Gate,
    KeyedBy,
    ToolStore,
    ToolTier,
)
from neo.toolbox.settings import AllowedConnection, allowed_connections

# What every provider takes as the name of a tool.
WIRE_NAME_CHARACTERS_MAX = 64
_NOT_ON_THE_WIRE = re.compile(r"[^A-Za-z0-9_-]")
_STRICTNESS = (Gate.NEVER, Gate.WHEN, Gate.ALWAYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedTool:
    wire_name: str
    title: str | None
    description: str
    input_schema: dict[str, Any]
    connection_id: UUID
    tool_name: str
    digest: str
    """Of what somebody has said yes to: a call of it is dispatched only while it is still that."""
    effect: Effect
    gate: Gate
    gate_when: dict[str, Any] | None
    """With the gate WHEN: a schema; arguments that are valid by it need a decision."""
    timeout_seconds: int
    keyed_by: KeyedBy | None
    key_argument: str | None
    probe_tool: str | None
    tier: ToolTier | None
    is_untrusted: bool
    """Whether what its connection answers may have been written by strangers."""
    company: str | None = None
    """The end company that the session is bound to; a call is told it as its connection says."""
    company_argument: str | None = None
    needs_company: bool = False


async def offered_tools(
    db: AsyncSession,
    tenant_id: UUID,
    *,
    toolbox: Mapping[str, Any],
    audience: str,
    company: str | None = None,
) -> Sequence[OfferedTool]:
    """What an agent with this toolbox and audience may be offered, in an order that is always the same."""
    allowed = {one.connection_id: one for one in allowed_connections(toolbox)}
    if not allowed:
        return ()
    found = await ConnectionStore(db, tenant_id).of(list(allowed))
    usable = {key: one for key, one in found.items() if not one.is_disabled and one.audience == audience}
    tools = await ToolStore(db, tenant_id).pinned(list(usable))
    offered = [
        _offered(usable[tool.connection_id], tool, allowed[tool.connection_id], company)
        for tool in tools
        if is_permitted(tool, allowed[tool.connection_id])
    ]
    return sorted(offered, key=lambda tool: tool.wire_name)


def wire_name(connection: str, tool: str) -> str:
    """`<connection>__<tool>`, with a digest behind it where the tool's own name does not fit."""
    plain = f"{connection}__{_NOT_ON_THE_WIRE.sub('_', tool)}"
    if plain == f"{connection}__{tool}" and len(plain) <= WIRE_NAME_CHARACTERS_MAX:
        return plain
    mark = "_" + hashlib.sha256(tool.encode()).hexdigest()[:8]
    return plain[: WIRE_NAME_CHARACTERS_MAX - len(mark)] + mark


def group_of(tool: ConnectionTool) -> str | None:
    """As it was pinned, where it was."""
    group: str | None = (tool.pinned or tool.listed or {}).get("group")
    return group


def is_permitted(tool: ConnectionTool, allowed: AllowedConnection) -> bool:
    return allowed.allows(tool.name) and allowed.permission(group_of(tool)).allows(tool.used_effect)


def gate_of(tool: ConnectionTool, allowed: AllowedConnection) -> Gate:
    """The strictest of what was set for the tool, for the connection in the toolbox, and for the tool's group."""
    of_group = allowed.permission(group_of(tool)).gate(tool.used_effect)
    given = [gate for gate in (tool.used_gate, allowed.gate, of_group) if gate is not None]
    return max(given, key=_STRICTNESS.index)


def _offered(
    connection: Connection, tool: ConnectionTool, allowed: AllowedConnection, company: str | None
) -> OfferedTool:
    pinned = tool.pinned or {}
    return OfferedTool(
        wire_name=wire_name(connection.name, tool.name),
        title=pinned.get("title"),
        description=pinned["description"],
        input_schema=pinned["input_schema"],
        connection_id=connection.id,
        tool_name=tool.name,
        digest=tool.pinned_digest or "",
        effect=tool.used_effect,
        gate=gate_of(tool, allowed),
        gate_when=tool.gate_when,
        timeout_seconds=tool.used_timeout_seconds,
        keyed_by=KeyedBy(tool.keyed_by) if tool.keyed_by else None,
        key_argument=tool.key_argument,
        probe_tool=tool.probe_tool,
        tier=ToolTier(tool.tier) if tool.tier else None,
        is_untrusted=connection.is_untrusted,
        company=company,
        company_argument=connection.company_places.get("argument"),
        needs_company=connection.needs_company,
    )
