from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, Field

from neo.api import Text


class CallRequest(BaseModel):
    """The request for a decision about a call."""

    id: str
    status: str = Field(description="PENDING, APPROVED, REJECTED, EXPIRED or CANCELLED.")
    expires_at: datetime


class ResolvedAs(StrEnum):
    DONE = "DONE"
    NOT_DONE = "NOT_DONE"


class CallResolution(BaseModel):
    """What somebody found out of a call whose outcome was not known."""

    outcome: ResolvedAs
    by: str | None = Field(description="The account.")
    credential: str | None
    at: datetime
    note: str | None


class ExecutionCall(BaseModel):
    """A call of a tool, with all that is known of it. Secrets are `***`."""

    id: str
    execution_id: str
    status: str = Field(
        description="PLANNED, WAITING, RUNNING, then OK, FAILED, TIMED_OUT, REFUSED, REJECTED, EXPIRED, CANCELLED or "
        "UNKNOWN."
    )
    name: str = Field(description="As the model called the tool.")
    tool_name: str | None = Field(description="As its connection calls it.")
    title: str | None
    connection_id: str | None
    effect: str | None = Field(description="READ, KEYED or WRITE.")
    tier: str | None
    gate: str = Field(description="AUTO, or APPROVAL.")
    arguments: Any
    output: Any = Field(description="What the model was told of it.")
    error_code: str | None
    error_text: str | None
    truncated: bool = Field(description="Whether `arguments` or `output` were over 64 KiB and are cut.")
    output_bytes: int | None
    artifact_id: str | None = Field(description="The whole output, where it was too long for the model.")
    idempotency_key: str | None = Field(description="What was sent with it, so that it has one effect.")
    attempts: int = Field(description="How often it was sent.")
    timeout_seconds: int | None
    request: CallRequest | None
    resolution: CallResolution | None
    created_at: datetime
    dispatched_at: datetime | None
    ended_at: datetime | None


class ResolveCall(BaseModel):
    outcome: ResolvedAs = Field(description="Whether it had its effect.")
    note: Text | None = Field(None, description="How that is known, for people and for the model.")
