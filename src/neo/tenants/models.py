from datetime import datetime
from uuid import UUID

from sqlalchemy import FetchedValue
from sqlalchemy.orm import Mapped, mapped_column

from neo.db import Base


class Tenant(Base):
    """A managed-service provider. The operator alone says who is the platform and who is suspended."""

    __tablename__ = "tenants"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    is_platform: Mapped[bool] = mapped_column(server_default=FetchedValue())
    entra_tenant_id: Mapped[UUID | None]
    suspended_at: Mapped[datetime | None]
    timezone: Mapped[str | None]
    start_business_hours: Mapped[int | None]
    end_business_hours: Mapped[int | None]
    human_friendly_client_name: Mapped[str | None]
    referral_code: Mapped[str | None]
    sleep_before_callback_processing_seconds: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    updated_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
