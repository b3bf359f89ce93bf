from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, FetchedValue, ForeignKey, Identity
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from neo.db import Base


class AuditEntry(Base):
    """One thing that was done. `actor_tenant_id` differs from `tenant_id` when the platform acted for the tenant.

    It is part of its tenant's chain, which functions of the database write and verify. What callers know an entry by
    is its number in the chain, from 1: `id` counts over all tenants, and would tell each how much the others do.
    """

    __tablename__ = "audit_log"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    tenant_id: Mapped[UUID]
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    actor_tenant_id: Mapped[UUID]
    action: Mapped[str]
    object_kind: Mapped[str]
    object_id: Mapped[str]
    request_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    credential_id: Mapped[UUID | None]
    # Written when the entry's transaction commits.
    sequence: Mapped[int | None]
    # Null where there never were details.
    details_digest: Mapped[bytes | None]
    kept: Mapped["AuditDetails | None"] = relationship(lazy="joined", viewonly=True)

    @property
    def end_user(self) -> str | None:
        """Whom the platform spoke for, unless it was erased."""
        return self.kept.end_user if self.kept else None

    @property
    def details(self) -> dict[str, Any] | None:
        """None where they were erased."""
        if self.kept is not None:
            return self.kept.details
        return {} if self.details_digest is None else None


class AuditDetails(Base):
    """What may be erased of an entry: whom the platform spoke for, and the details."""

    __tablename__ = "audit_details"

    entry_id: Mapped[int] = mapped_column(ForeignKey("audit_log.id"), primary_key=True)
    tenant_id: Mapped[UUID]
    end_user: Mapped[str | None]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
