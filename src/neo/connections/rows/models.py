from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import FetchedValue
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from neo.agents import Audience
from neo.db import Base

# A call that takes longer would have to run apart from its turn.
TIMEOUT_SECONDS_MAX = 60
TIMEOUT_SECONDS = 30


class ConnectionKind(StrEnum):
    MCP_HTTP = "MCP_HTTP"
    HTTP_API = "HTTP_API"


class AuthType(StrEnum):
    NONE = "NONE"
    BEARER = "BEARER"
    HEADER = "HEADER"
    OAUTH_CLIENT_CREDENTIALS = "OAUTH_CLIENT_CREDENTIALS"


class Health(StrEnum):
    """What the newest look at the server has found."""

    OK = "OK"
    NEEDS_AUTH = "NEEDS_AUTH"
    """No secret is there, or the server does not accept it: nothing is called until there is another."""
    DOWN = "DOWN"
    """Not looked at yet, or not answering as it should."""


class ToolState(StrEnum):
    PINNED = "PINNED"
    """What the server says of it is what somebody said yes to. Only such a tool is offered."""
    NEW = "NEW"
    CHANGED = "CHANGED"
    GONE = "GONE"


class Effect(StrEnum):
    """What calling a tool does, and so what may be done when nobody knows whether a call has arrived."""

    READ = "READ"
    KEYED = "KEYED"
    """It may be called again with the same key: its effect happens once."""
    WRITE = "WRITE"


class Gate(StrEnum):
    """Whether somebody has to approve a call."""

    NEVER = "NEVER"
    ALWAYS = "ALWAYS"
    WHEN = "WHEN"
    """Where the arguments are valid by the schema in `gate_when`."""


class KeyedBy(StrEnum):
    """Where a tool looks for the key of a call."""

    HEADER = "HEADER"
    META = "META"
    ARGUMENT = "ARGUMENT"


class ToolTier(StrEnum):
    BASIC = "BASIC"
    STANDARD = "STANDARD"
    ADVANCED = "ADVANCED"


class Connection(Base):
    """A server that a tenant's agents may call. `version` counts what people have changed, and not what checks find."""

    __tablename__ = "connections"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    name: Mapped[str]
    kind: Mapped[str]
    url: Mapped[str]
    audience: Mapped[str]
    is_untrusted: Mapped[bool] = mapped_column(server_default=FetchedValue())
    auth: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=FetchedValue())
    secret_id: Mapped[UUID | None]
    secret_expires_at: Mapped[datetime | None]
    # `header`, `meta`, `argument`, and whether a company is `required`.
    company_places: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=FetchedValue())
    is_disabled: Mapped[bool] = mapped_column(server_default=FetchedValue())
    health: Mapped[str] = mapped_column(server_default=FetchedValue())
    checked_at: Mapped[datetime | None]
    last_success_at: Mapped[datetime | None]
    last_error_at: Mapped[datetime | None]
    last_error_code: Mapped[str | None]
    last_error_message: Mapped[str | None]
    failures: Mapped[int] = mapped_column(server_default=FetchedValue())
    due_at: Mapped[datetime | None]
    protocol: Mapped[str | None]
    is_cut: Mapped[bool] = mapped_column(server_default=FetchedValue())
    version: Mapped[int] = mapped_column(server_default=FetchedValue())
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    updated_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())

    @property
    def lacks_secret(self) -> bool:
        return self.secret_id is None and self.auth["type"] != AuthType.NONE

    @property
    def is_told_company(self) -> bool:
        return any(self.company_places.get(place) for place in ("header", "meta", "argument"))

    @property
    def needs_company(self) -> bool:
        """Whether it is only called for an end company. What is for customers is, where it can be told for which."""
        is_theirs = self.is_told_company and self.audience == Audience.END_USER
        return bool(self.company_places.get("required")) or is_theirs


class ConnectionTool(Base):
    """What a server says of a tool now, what somebody has said yes to, and what was set for it."""

    __tablename__ = "connection_tools"

    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    # `title`, `description`, `input_schema`, `hints`.
    listed: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    listed_digest: Mapped[str | None]
    problem: Mapped[str | None]
    pinned: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    pinned_digest: Mapped[str | None]
    pinned_at: Mapped[datetime | None]
    pinned_by: Mapped[UUID | None]
    state: Mapped[str] = mapped_column(server_default=FetchedValue(), server_onupdate=FetchedValue())
    effect: Mapped[str | None]
    gate: Mapped[str | None]
    gate_when: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    tier: Mapped[str | None]
    timeout_seconds: Mapped[int | None]
    probe_tool: Mapped[str | None]
    keyed_by: Mapped[str | None]
    key_argument: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    updated_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())

    # What a server says of its own tools is nobody's promise: unset is the careful choice.
    @property
    def used_effect(self) -> Effect:
        return Effect(self.effect or Effect.WRITE)

    @property
    def used_gate(self) -> Gate:
        unset = Gate.NEVER if self.used_effect is Effect.READ else Gate.ALWAYS
        return Gate(self.gate or unset)

    @property
    def used_timeout_seconds(self) -> int:
        return self.timeout_seconds or TIMEOUT_SECONDS
