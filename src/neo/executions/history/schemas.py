from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, Field


class ExecutionStatus(StrEnum):
    """SUCCESS, FAILURE, SKIPPED and CANCELLED are ends. A chat turn is never SKIPPED."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    WAITING = "WAITING"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    SKIPPED = "SKIPPED"
    CANCELLED = "CANCELLED"


class ExecutionTrigger(StrEnum):
    """What began it. Only CHAT does today."""

    CALLBACK = "CALLBACK"
    SCHEDULE = "SCHEDULE"
    MANUAL = "MANUAL"
    SCHEDULED_WORK = "SCHEDULED_WORK"
    BACKFILL = "BACKFILL"
    WORKFLOW = "WORKFLOW"
    RETRY = "RETRY"
    CHAT = "CHAT"


class Execution(BaseModel):
    """What an agent did, once. A chat turn is one, with the turn's id."""

    execution_id: str
    agent_id: int
    agent_name: str
    autonomy_type: str
    status: ExecutionStatus
    trigger: ExecutionTrigger
    waiting_for: str | None = Field(description="Of a WAITING one: APPROVAL or CALL.")
    session_id: str | None = Field(description="The chat session of a chat turn.")
    end_company_id: str | None
    entity_type: str
    entity_id: str | None
    entity_number: str | None
    error: str | None = Field(description="Why it failed; may be shown to people.")
    error_code: str | None
    message_for_dashboard: str | None
    seconds_spent: float | None = Field(description="From its start to its end; null until then.")
    additional_custom_instructions: str | None
    credits_consumed: int | None = Field(description="Null: not counted yet.")
    test_mode: bool
    retried_from_execution_id: str | None
    superseded_by_execution_id: str | None = Field(description="The one that asked the same message again.")
    backfill_id: str | None
    author: dict[str, Any] | None = Field(description="Who asked: `kind`, `id`, `name`.")
    created_at: datetime
    started_at: datetime | None
    cancel_requested_at: datetime | None
    finished_at: datetime | None
    updated_at: datetime
