from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, FetchedValue, Identity, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from neo.db import Base


class ManagedAgentKey(StrEnum):
    """Stable key identifying a Neo-managed agent. `NEO_SUPPORT` is the per-tenant Neo Support agent."""

    NEO_SUPPORT = "NEO_SUPPORT"


class AutonomyType(StrEnum):
    CHAINED_ACTIONS = "CHAINED_ACTIONS"
    AGENTIC = "AGENTIC"
    CONVERSATIONAL = "CONVERSATIONAL"


class Audience(StrEnum):
    """Whom an agent or a channel serves: the provider's own people, or its customers' employees."""

    MSP = "MSP"
    END_USER = "END_USER"


class Access(StrEnum):
    """Which of the provider's own people may talk to an agent."""

    ALL_USERS = "ALL_USERS"
    ADMINS_ONLY = "ADMINS_ONLY"
    SPECIFIC_USERS = "SPECIFIC_USERS"


class Overlap(StrEnum):
    """What a message does that is posted while a turn of its session is open: wait for it, or be refused."""

    QUEUE = "queue"
    REJECT = "reject"


class Agent(Base):
    """Whom a session talks to. `version` counts its changes; a deleted one keeps its row for its sessions."""

    __tablename__ = "agents"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    tenant_id: Mapped[UUID]
    name: Mapped[str]
    managed_key: Mapped[str | None]
    autonomy_type: Mapped[str]
    description: Mapped[str] = mapped_column(server_default=FetchedValue())
    audience: Mapped[str] = mapped_column(server_default=FetchedValue())
    access: Mapped[str] = mapped_column(server_default=FetchedValue())
    access_user_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()), server_default=FetchedValue())
    instructions: Mapped[str]
    model: Mapped[str | None]
    reasoning_effort: Mapped[str | None]
    overlap: Mapped[str | None]
    version: Mapped[int] = mapped_column(server_default=FetchedValue())
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    updated_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    deleted_at: Mapped[datetime | None]
    toolbox: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=FetchedValue())


class AgentVersion(Base):
    """An agent as it was after one of its changes, its creation included."""

    __tablename__ = "agent_versions"

    tenant_id: Mapped[UUID]
    agent_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    snapshot: Mapped[dict[str, Any]] = mapped_column(JSONB)
    changed_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
