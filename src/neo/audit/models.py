from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, FetchedValue, Identity
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from neo.db import Base


class AuditEntry(Base):
    """One thing that was done. `actor_tenant_id` differs from `tenant_id` when the platform acted for the tenant."""

    __tablename__ = "audit_log"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    tenant_id: Mapped[UUID]
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    actor_tenant_id: Mapped[UUID]
    end_user: Mapped[str | None]
    action: Mapped[str]
    object_kind: Mapped[str]
    object_id: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
    request_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    credential_id: Mapped[UUID | None]
