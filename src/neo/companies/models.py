from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import FetchedValue
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from neo.db import Base


class EndCompany(Base):
    """A customer of the provider, known by its id in the provider's PSA; `m365_tenant_id` is its Microsoft tenant."""

    __tablename__ = "end_companies"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    psa_company_id: Mapped[str] = mapped_column(primary_key=True)
    psa_company_name: Mapped[str]
    m365_tenant_id: Mapped[UUID | None]
    custom_instructions: Mapped[str | None]
    custom_instructions_for_user_facing_chat: Mapped[str | None]
    auto_assign_exchange_admin: Mapped[bool] = mapped_column(server_default=FetchedValue())
    employee_identity_provider: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    mailbox_provider: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    marketplace_company_ids: Mapped[list[dict[str, Any]]] = mapped_column(
        JSONB, server_default=FetchedValue()
    )
    version: Mapped[int] = mapped_column(server_default=FetchedValue())
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    updated_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())

    @property
    def long_bytes(self) -> int:
        texts = (self.custom_instructions, self.custom_instructions_for_user_facing_chat)
        objects = (self.employee_identity_provider, self.mailbox_provider, self.marketplace_company_ids)
        return sum(len((text or "").encode()) for text in texts) + len(orjson.dumps(objects))
