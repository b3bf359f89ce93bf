"""The JSON of the audit log's entries."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field


class AuditEntryResource(BaseModel):
    """One thing that was done in the tenant."""

    id: int = Field(description="Its number in your tenant's log, from 1 and without holes.")
    actor_kind: str = Field(
        description="`service_account`, `technician`, `platform`, or `operator` for the command line."
    )
    actor_id: str | None = Field(description="The account or user; null for the operator and the platform.")
    credential_id: str | None = Field(
        description="The API key that it was done with; null for dashboard users, the operator and the platform, and "
        "in entries from before it was recorded."
    )
    end_user: str | None = Field(description="Whom the platform spoke for; null too where it was erased.")
    action: str = Field(description="What was done, e.g. `agent.updated`.")
    object_kind: str
    object_id: str
    details: dict[str, Any] | None = Field(
        description="Names of changed fields, ids; never secrets or instructions. Null where they were erased."
    )
    request_id: str | None = Field(description="`meta.request_id` of the request that did it.")
    created_at: datetime
