"""The request and response bodies of the tenant and its settings."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from neo.api import Guid, Name

HOURS = 24
# A day: a callback that has not come by then is lost rather than late.
SLEEP_SECONDS_MAX = 86_400

Hour = Annotated[int, Field(ge=0, le=HOURS)]
Seconds = Annotated[int, Field(ge=0, le=SLEEP_SECONDS_MAX)]

TIMEZONE = "IANA name, such as `Europe/Berlin`: the time that agents take for now. Null: UTC."
START = "Hour of the day at which business begins, 0 to 24, in `timezone`."
END = "Hour of the day at which business ends, 0 to 24, in `timezone`."
SHOWN_AS = "The tenant's name as people are to read it, 1 to 200 characters."
REFERRAL = "1 to 200 characters."
SLEEP = "How long a callback waits before it is processed, 0 to 86,400 seconds."


class TenantResource(BaseModel):
    """A managed-service provider. `id` is `client_id` elsewhere in the API."""

    id: str
    name: str
    entra_tenant_id: str | None = Field(description="Its Microsoft tenant: whose people may sign in.")
    is_platform: bool = Field(description="Whether its keys may act for other tenants.")
    created_at: datetime


class CreateTenantRequest(BaseModel):
    name: Name = Field(description="1 to 200 characters.")
    entra_tenant_id: Guid | None = Field(
        None, description="Its Microsoft tenant: its people may sign in. It belongs to one tenant at most."
    )


class PublicSettings(BaseModel):
    """The tenant's settings; null where nothing is set."""

    model_config = ConfigDict(from_attributes=True)

    timezone: str | None = Field(description=TIMEZONE)
    start_business_hours: int | None = Field(description=START)
    end_business_hours: int | None = Field(description=END)
    human_friendly_client_name: str | None = Field(description=SHOWN_AS)
    referral_code: str | None = Field(description=REFERRAL)
    sleep_before_callback_processing_seconds: int | None = Field(description=SLEEP)


class UpdateSettingsRequest(BaseModel):
    """A partial update: what is left out stays, null clears."""

    timezone: Name | None = Field(None, description=TIMEZONE)
    start_business_hours: Hour | None = Field(None, description=START)
    end_business_hours: Hour | None = Field(None, description=END)
    human_friendly_client_name: Name | None = Field(None, description=SHOWN_AS)
    referral_code: Name | None = Field(None, description=REFERRAL)
    sleep_before_callback_processing_seconds: Seconds | None = Field(None, description=SLEEP)
