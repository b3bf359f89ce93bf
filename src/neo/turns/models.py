from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import FetchedValue
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from neo.access import Authored
from neo.db import Base


class TurnStatus(StrEnum):
    """QUEUED, RUNNING and WAITING turns are open; the other three have ended for good."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    WAITING = "WAITING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_open(self) -> bool:
        return self in OPEN


OPEN = (TurnStatus.QUEUED, TurnStatus.RUNNING, TurnStatus.WAITING)


class ChatTurn(Authored, Base):
    """A turn's record. Only the writer that has the newest `claim` of its first unsettled `segment` may write its
    events.
    """

    __tablename__ = "chat_turns"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    session_id: Mapped[UUID]
    turn_no: Mapped[int]
    status: Mapped[str] = mapped_column(server_default=FetchedValue())
    model_tier: Mapped[str]
    user_message_id: Mapped[UUID]
    reply_message_id: Mapped[UUID]
    segment: Mapped[int] = mapped_column(server_default=FetchedValue())
    claim: Mapped[int] = mapped_column(server_default=FetchedValue())
    segment_attempts: Mapped[int] = mapped_column(server_default=FetchedValue())
    lease_id: Mapped[UUID | None]
    claimable_at: Mapped[datetime | None]
    waiting_for: Mapped[str | None]
    terminal_segment: Mapped[int | None]
    terminal_claim: Mapped[int | None]
    terminal_n: Mapped[int | None]
    attempts: Mapped[int] = mapped_column(server_default=FetchedValue())
    finish_reason: Mapped[str | None]
    error_code: Mapped[str | None]
    error_message: Mapped[str | None]
    provider: Mapped[str | None]
    region: Mapped[str | None]
    model: Mapped[str | None]
    input_tokens: Mapped[int | None]
    output_tokens: Mapped[int | None]
    cached_tokens: Mapped[int | None]
    cost: Mapped[Decimal | None]
    first_token_ms: Mapped[int | None]
    total_ms: Mapped[int | None]
    omitted_messages: Mapped[int] = mapped_column(server_default=FetchedValue())
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]
    traceparent: Mapped[str | None]
    retry_of: Mapped[UUID | None]
    superseded_by: Mapped[UUID | None]

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def keeps_reply(self) -> bool:
        """Whether its reply is stored: all that it has settled."""
        return not self.is_open and self.segment > 1


class TurnSegment(Base):
    """What a turn has settled, and never changes."""

    __tablename__ = "turn_segments"

    tenant_id: Mapped[UUID]
    turn_id: Mapped[UUID] = mapped_column(primary_key=True)
    segment: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    claim: Mapped[int]
    last_n: Mapped[int | None]
    parts: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    replay: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    provider: Mapped[str | None]
    region: Mapped[str | None]
    response_id: Mapped[str | None]
    finish_reason: Mapped[str | None]
    input_tokens: Mapped[int | None]
    output_tokens: Mapped[int | None]
    cached_tokens: Mapped[int | None]
    cost: Mapped[Decimal | None]
    carried: Mapped[list[dict[str, Any] | None] | None] = mapped_column(JSONB)


class ToolCallRow(Base):
    """A call that a model asked for."""

    __tablename__ = "tool_calls"

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    turn_id: Mapped[UUID]
    segment: Mapped[int]
    position: Mapped[int]
    provider_call_id: Mapped[str]
    name: Mapped[str]
    arguments: Mapped[Any] = mapped_column(JSONB)
    digest: Mapped[bytes]
    gate: Mapped[str]
    runs_apart: Mapped[bool]
    status: Mapped[str]
    outcome: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    told_segment: Mapped[int | None]
    outcome_segment: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    dispatched_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    connection_id: Mapped[UUID | None]
    tool_name: Mapped[str | None]
    title: Mapped[str | None]
    tool_digest: Mapped[str | None]
    effect: Mapped[str | None]
    tier: Mapped[str | None]
    timeout_seconds: Mapped[int | None]
    keyed_by: Mapped[str | None]
    key_argument: Mapped[str | None]
    probe_tool: Mapped[str | None]
    is_untrusted: Mapped[bool] = mapped_column(server_default=FetchedValue())
    key: Mapped[str | None]
    arguments_raw: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(server_default=FetchedValue())
    error_code: Mapped[str | None]
    output_bytes: Mapped[int | None]
    artifact_id: Mapped[UUID | None]
    resolution: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class ApprovalRequestRow(Base):
    """A call that waits for a decision, or has had one."""

    __tablename__ = "approval_requests"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    turn_id: Mapped[UUID]
    call_id: Mapped[str]
    status: Mapped[str]
    expires_at: Mapped[datetime]
