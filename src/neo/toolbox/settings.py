"""The stored settings of a toolbox, read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from neo.connections import ConnectionKind, Effect, Gate

EVERY = "*"
# The contract's names of tool types, and the connections that each is made of.
KINDS = {"MCP": ConnectionKind.MCP_HTTP, "EXTERNAL_API_REQUEST": ConnectionKind.HTTP_API}


class AccessLevel(StrEnum):
    DISABLED = "DISABLED"
    READ_ONLY = "READ_ONLY"
    READ_WRITE = "READ_WRITE"


@dataclass(frozen=True, slots=True)
class Permission:
    level: AccessLevel = AccessLevel.READ_WRITE
    needs_approval: bool = False
    """Of calls that may write."""

    def allows(self, effect: Effect) -> bool:
        if self.level is AccessLevel.READ_ONLY:
            return effect is Effect.READ
        return self.level is AccessLevel.READ_WRITE

    def gate(self, effect: Effect) -> Gate | None:
        return Gate.ALWAYS if self.needs_approval and effect is not Effect.READ else None


@dataclass(frozen=True, slots=True)
class AllowedConnection:
    connection_id: UUID
    kind: ConnectionKind
    names: frozenset[str]
    """Of its tools; `*` is all of them."""
    gate: Gate | None
    """Of all its tools, where it is stricter than a tool's own."""

    permissions: Mapping[str, Permission]
    """By group of tools; `*` is every other group, and tools of none. Empty: everything is permitted."""

    def allows(self, name: str) -> bool:
        return EVERY in self.names or name in self.names

    def permission(self, group: str | None) -> Permission:
        """A group that is not named is disabled."""
        if not self.permissions:
            return Permission()
        disabled = Permission(AccessLevel.DISABLED)
        return self.permissions.get(group or EVERY, self.permissions.get(EVERY, disabled))


def allowed_connections(toolbox: Mapping[str, Any]) -> Sequence[AllowedConnection]:
    by_type = toolbox.get("tool_settings_by_type") or {}
    return [
        AllowedConnection(
            UUID(one["connection_id"]),
            kind,
            frozenset(one["allow"]),
            Gate(one["gate"]) if one.get("gate") else None,
            {
                given["group_type"]: Permission(AccessLevel(given["access_level"]), given["require_til"])
                for given in one.get("permissions") or ()
            },
        )
        for tool_type, kind in KINDS.items()
        for one in (by_type.get(tool_type) or {}).get("connections", ())
    ]
