from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, FetchedValue, Identity
from sqlalchemy.orm import Mapped, mapped_column

from neo.db import Base


class ManagedAgentKey(StrEnum):
    """Stable key identifying a Neo-managed agent. `NEO_SUPPORT` is the per-tenant Neo Support agent."""

    NEO_SUPPORT = "NEO_SUPPORT"


class AutonomyType(StrEnum):
    CHAINED_ACTIONS = "CHAINED_ACTIONS"
    AGENTIC = "AGENTIC"
    CONVERSATIONAL = "CONVERSATIONAL"


class Agent(Base):
    __tablename__ = "agents"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    tenant_id: Mapped[UUID]
    name: Mapped[str]
    managed_key: Mapped[str | None]
    autonomy_type: Mapped[str]
    instructions: Mapped[str]
    model: Mapped[str | None]
    reasoning_effort: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    updated_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
