"""The JSON of API keys, as requests and answers carry it."""

from datetime import datetime

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


class RevokedApiKey(ApiKeyResource):
    revoked_minted: int = Field(
        description="How many session tokens ended with it; 0 unless `revoke_minted` was said."
    )
