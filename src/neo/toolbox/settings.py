"""The stored settings of a toolbox, read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from neo.connections import ConnectionKind, Gate

EVERY = "*"
# The contract's names of tool types, and the connections that each is made of.
KINDS = {"MCP": ConnectionKind.MCP_HTTP, "EXTERNAL_API_REQUEST": ConnectionKind.HTTP_API}


@dataclass(frozen=True, slots=True)
class AllowedConnection:
    connection_id: UUID
    kind: ConnectionKind
    names: frozenset[str]
    """Of its tools; `*` is all of them."""
    gate: Gate | None
    """Of all its tools, where it is stricter than a tool's own."""

    def allows(self, name: str) -> bool:
        return EVERY in self.names or name in self.names


def allowed_connections(toolbox: Mapping[str, Any]) -> Sequence[AllowedConnection]:
    by_type = toolbox.get("tool_settings_by_type") or {}
    return [
        AllowedConnection(
            UUID(one["connection_id"]),
            kind,
            frozenset(one["allow"]),
            Gate(one["gate"]) if one.get("gate") else None,
        )
        for tool_type, kind in KINDS.items()
        for one in (by_type.get(tool_type) or {}).get("connections", ())
    ]
