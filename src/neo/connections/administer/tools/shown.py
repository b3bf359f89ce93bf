"""Turns rows of tools into the API's resources."""

from collections.abc import Mapping
from typing import Any

from neo.connections.administer.tools.schemas import ToolDifference, ToolResource, ToolTold
from neo.connections.rows.models import ConnectionTool, Effect, ToolState

TOLD = ("title", "description", "input_schema", "hints", "operation", "group")
SETTINGS = ("effect", "gate", "tier", "timeout_seconds", "probe_tool", "keyed_by", "key_argument")


def shown_tool(tool: ConnectionTool) -> ToolResource:
    return ToolResource(
        name=tool.name,
        state=ToolState(tool.state),
        listed=_told(tool.listed),
        digest=tool.listed_digest,
        problem=tool.problem,
        pinned=_told(tool.pinned),
        pinned_at=tool.pinned_at,
        pinned_by_user=str(tool.pinned_by) if tool.pinned_by else None,
        difference=_difference(tool),
        **{name: getattr(tool, name) for name in SETTINGS},
        when=tool.gate_when,
        proposed_effect=_proposed(tool),
        used_effect=tool.used_effect,
        used_gate=tool.used_gate,
        used_timeout_seconds=tool.used_timeout_seconds,
    )


def _difference(tool: ConnectionTool) -> list[ToolDifference]:
    if tool.state != ToolState.CHANGED:
        return []
    pinned, listed = tool.pinned or {}, tool.listed or {}
    found = [
        ToolDifference(field=name, pinned=pinned.get(name), listed=listed.get(name))
        for name in TOLD
        if pinned.get(name) != listed.get(name)
    ]
    # The digest is of all that was told, and a description is kept to a length.
    return found or [ToolDifference(field="beyond", pinned=None, listed=None)]


def _proposed(tool: ConnectionTool) -> Effect | None:
    hints = (tool.listed or {}).get("hints", {})
    if hints.get("readOnlyHint"):
        return Effect.READ
    return Effect.KEYED if hints.get("idempotentHint") else None


def _told(told: Mapping[str, Any] | None) -> ToolTold | None:
    return ToolTold.model_validate({name: told.get(name) for name in TOLD}) if told is not None else None
