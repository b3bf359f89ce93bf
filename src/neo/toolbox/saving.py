"""Whether an agent may be saved with a toolbox: its form, and its connections, which are there and for its audience."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from neo.connections import ConnectionStore
from neo.toolbox.errors import ToolboxAudienceMismatch, ToolboxConnectionUnknown, ToolboxInvalid
from neo.toolbox.schemas import ConnectionTools
from neo.toolbox.settings import KINDS, allowed_connections

OF = "toolbox.tool_settings_by_type"
# Of each version that is kept of an agent.
SETTINGS_BYTES_MAX = 32 * 1024


def _plain_settings(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of each tool type as they are stored, null where it is disabled; raises `ToolboxInvalid`."""
    if unknown := sorted(set(wanted) - set(KINDS)):
        raise _invalid({f"{OF}.{name[:80]}": f"is not one of {', '.join(KINDS)}" for name in unknown[:20]})
    return {tool_type: _plain(tool_type, settings) for tool_type, settings in wanted.items()}


async def _check_connections(
    db: AsyncSession, tenant_id: UUID, audience: str, toolbox: Mapping[str, Any]
) -> None:
    """Raises `ToolboxConnectionUnknown` and `ToolboxAudienceMismatch`."""
    allowed = allowed_connections(toolbox)
    found = await ConnectionStore(db, tenant_id).of([one.connection_id for one in allowed]) if allowed else {}
    unknown = [
        str(one.connection_id)
        for one in allowed
        if one.connection_id not in found or found[one.connection_id].kind != one.kind
    ]
    if unknown:
        raise ToolboxConnectionUnknown(
            "The toolbox names connections that are not there.", details={"connections": unknown}
        )
    others = [str(one.id) for one in found.values() if one.audience != audience]
    if others:
        raise ToolboxAudienceMismatch(
            f"These connections are not for agents of the audience {audience}.",
            details={"connections": others},
        )


class ToolboxRules:
    """What `AgentDesk` asks when an agent is saved."""

    def plain(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        return _plain_settings(wanted)

    async def check(
        self, db: AsyncSession, tenant_id: UUID, audience: str, toolbox: Mapping[str, Any]
    ) -> None:
        await _check_connections(db, tenant_id, audience, toolbox)


def _plain(tool_type: str, settings: Any) -> dict[str, Any] | None:
    if settings is None:
        return None
    try:
        read = ConnectionTools.model_validate_json(orjson.dumps(settings), strict=True)
    except ValidationError as error:
        # Without what was sent: it may be a credential.
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        fields = {
            f"{OF}.{tool_type}." + ".".join(str(step) for step in one["loc"])[:200]: one["msg"]
            for one in problems
        }
        raise _invalid(fields) from None
    if len(orjson.dumps(settings)) > SETTINGS_BYTES_MAX:
        raise _invalid({f"{OF}.{tool_type}": f"has more than {SETTINGS_BYTES_MAX} bytes as JSON"})
    ids = [one.connection_id for one in read.connections]
    if len(set(ids)) < len(ids):
        raise _invalid({f"{OF}.{tool_type}.connections": "names a connection twice"})
    for index, one in enumerate(read.connections):
        groups = [given.group_type for given in one.permissions or ()]
        if len(set(groups)) < len(groups):
            raise _invalid({f"{OF}.{tool_type}.connections.{index}.permissions": "names a group twice"})
    return read.model_dump(mode="json", exclude_none=True)


def _invalid(fields: dict[str, str]) -> ToolboxInvalid:
    return ToolboxInvalid(
        "The toolbox is not valid. Credentials belong to a connection, and not into it.",
        details={"fields": fields},
    )
