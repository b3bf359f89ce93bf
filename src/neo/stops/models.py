from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import FetchedValue
from sqlalchemy.orm import Mapped, mapped_column

from neo.db import Base


class StopScope(StrEnum):
    """What a stop holds for."""

    TENANT = "TENANT"
    COMPANY = "COMPANY"
    """Sessions of this end company."""
    AGENT = "AGENT"
    CONNECTION = "CONNECTION"
    TOOL = "TOOL"


class ToolStop(Base):
    """`scope_id` is an id of the scope's kind; of a tool, its connection's. `tool` is empty but for a tool."""

    __tablename__ = "tool_stops"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    scope: Mapped[str]
    scope_id: Mapped[str]
    tool: Mapped[str]
    writes_only: Mapped[bool]
    set_by_kind: Mapped[str]
    set_by: Mapped[UUID]
    set_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
