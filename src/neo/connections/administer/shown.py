"""Turns rows into the API's resources."""

from collections.abc import Mapping
from typing import Any

from neo.agents import Audience
from neo.connections.administer.schemas import ConnectionResource, LastError, ToolCounts
from neo.connections.rows.models import Connection, ConnectionKind, Health, ToolState


def shown_connection(connection: Connection, counts: Mapping[str, int]) -> ConnectionResource:
    return ConnectionResource(
        id=str(connection.id),
        name=connection.name,
        kind=ConnectionKind(connection.kind),
        url=connection.url,
        audience=Audience(connection.audience),
        untrusted=connection.is_untrusted,
        auth=connection.auth,
        company_in={
            **{name: connection.company_places.get(name) for name in ("header", "meta", "argument")},
            "required": bool(connection.company_places.get("required")),
        },
        disabled=connection.is_disabled,
        status=status_of(connection, counts),
        tools=ToolCounts(**{state.lower(): counts.get(state, 0) for state in ToolState}),
        tools_cut=connection.is_cut,
        has_secret=connection.secret_id is not None,
        secret_expires_at=connection.secret_expires_at,
        checked_at=connection.checked_at,
        last_success_at=connection.last_success_at,
        last_error=_last_error(connection),
        version=connection.version,
        created_at=connection.created_at,
        updated_at=connection.updated_at,
    )


def status_of(connection: Connection, counts: Mapping[str, int]) -> Any:
    """New tools are no change: whoever has pinned some of many has said enough."""
    if connection.is_disabled:
        return "DISABLED"
    if connection.health != Health.OK:
        return connection.health
    return "CHANGED" if counts.get(ToolState.CHANGED) or counts.get(ToolState.GONE) else "OK"


def _last_error(connection: Connection) -> LastError | None:
    if connection.last_error_at is None:
        return None
    return LastError(
        code=connection.last_error_code or "",
        message=connection.last_error_message or "",
        at=connection.last_error_at,
    )
