from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import FetchedValue
from sqlalchemy.orm import Mapped, mapped_column

from neo.db import Base


class TurnStatus(StrEnum):
    """QUEUED and RUNNING turns are open; the other three have ended for good."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_open(self) -> bool:
        return self in OPEN


OPEN = (TurnStatus.QUEUED, TurnStatus.RUNNING)


class ChatTurn(Base):
    """A turn's record. Only the writer that has its newest `claim` may write its events; `terminal_n` is the
    number of the last one, once known.
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
    claim: Mapped[int] = mapped_column(server_default=FetchedValue())
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
    first_token_ms: Mapped[int | None]
    total_ms: Mapped[int | None]
    omitted_messages: Mapped[int] = mapped_column(server_default=FetchedValue())
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    swept_at: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]
    traceparent: Mapped[str | None]

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def age_seconds(self) -> float:
        """From the message's acceptance to the turn's end, or to now."""
        return max(0.0, ((self.ended_at or datetime.now(UTC)) - self.created_at).total_seconds())

    @property
    def keeps_reply(self) -> bool:
        """Whether its reply is stored: the whole, or what the model had said when the turn was cancelled."""
        is_partial = self.status == TurnStatus.CANCELLED and self.finish_reason is not None
        return self.status == TurnStatus.COMPLETED or is_partial
