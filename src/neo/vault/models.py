from datetime import datetime
from uuid import UUID

from sqlalchemy import FetchedValue
from sqlalchemy.orm import Mapped, mapped_column

from neo.db import Base


class DataKey(Base):
    """A key that a tenant's secrets are sealed with; the highest version seals. `wrapped_by` names what wraps it."""

    __tablename__ = "data_keys"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    wrapped_by: Mapped[str]
    wrapped: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())


class SealedSecret(Base):
    """A secret as it is stored. Features refer to it by its id, and delete it with what it belongs to."""

    __tablename__ = "secrets"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    purpose: Mapped[str]
    key_version: Mapped[int]
    sealed: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    sealed_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
