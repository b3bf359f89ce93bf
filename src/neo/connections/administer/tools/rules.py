"""Which settings of a tool fit together."""

from collections.abc import Mapping
from typing import Any

from neo.connections.rows.errors import ToolSettingsInvalid
from neo.connections.rows.models import ConnectionTool, Effect, Gate, KeyedBy


def check_settings(
    found: Mapping[str, ConnectionTool], tool: ConnectionTool, changes: Mapping[str, Any]
) -> None:
    """Raises `ToolSettingsInvalid` unless the tool with these changes is whole."""

    def will_be(name: str) -> Any:
        return changes.get(name, getattr(tool, name))

    problems: dict[str, str] = {}
    if (will_be("gate") == Gate.WHEN) != (will_be("gate_when") is not None):
        problems["when"] = "goes with `gate` WHEN, and only with it"
    if (will_be("keyed_by") == KeyedBy.ARGUMENT) != (will_be("key_argument") is not None):
        problems["key_argument"] = "goes with `keyed_by` ARGUMENT, and only with it"
    if "probe_tool" in changes and (probe := changes["probe_tool"]) is not None:
        other = found.get(probe)
        if other is None or other.name == tool.name or other.used_effect is not Effect.READ:
            problems["probe_tool"] = "is no other tool of this connection with the effect READ"
    if problems:
        raise ToolSettingsInvalid(f"{', '.join(problems)}: does not fit.", details={"fields": problems})
