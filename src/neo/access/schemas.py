"""The wire shapes of API keys and of the audit log."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from neo.api import Moment, Name


class ApiKeyCreateRequest(BaseModel):
    name: Name = Field(description="What the key is for, 1 to 200 characters.")
    expires_at: Moment | None = Field(
        None,
        description="When the key stops working: in the future, within ten years, with a time zone. Null: never.",
    )


class ApiKeyCreateResponse(BaseModel):
    """A key that was just made. `key` is the secret: it is shown in this answer and never again."""

    id: str
    name: str
    key: str = Field(description="The plaintext key, `neo_sk_<env>_<secret>`.")
    created_at: datetime
    expires_at: datetime | None


class ApiKeyResource(BaseModel):
    """An API key without its secret."""

    id: str
    name: str
    hint: str = Field(description="The key's last four characters.")
    created_at: datetime
    expires_at: datetime | None = Field(
        description="Null: never. A rotated key's is 24 h after its rotation at most."
    )
    revoked_at: datetime | None
    rotated_at: datetime | None = Field(description="When a replacement was made.")
    last_used_at: datetime | None = Field(description="To the minute; null: never.")
    created_by: str | None = Field(description="The user who made it; null: the operator, with `neo keys`.")


class AuditEntryResource(BaseModel):
    """One thing that was done in the tenant."""

    id: int
    actor_kind: str = Field(
        description="`service_account`, `technician`, `platform`, or `operator` for the command line."
    )
    actor_id: str | None = Field(description="The account or user; null for the operator.")
    end_user: str | None = Field(description="Whom the platform spoke for.")
    action: str = Field(description="What was done, e.g. `agent.updated`.")
    object_kind: str
    object_id: str
    details: dict[str, Any] = Field(
        description="Names of changed fields, ids; never secrets or instructions."
    )
    request_id: str | None = Field(description="`meta.request_id` of the request that did it.")
    created_at: datetime
