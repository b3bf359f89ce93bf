from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import BigInteger, ColumnElement, FetchedValue
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from neo.access import Authored, Principal
from neo.db import Base
from neo.kit import as_one_line

TITLE_CHARACTERS_MAX = 60


class Role(StrEnum):
    USER = "user"
    ASSISTANT = "assistant"


class ChatSession(Base):
    __tablename__ = "chat_sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    agent_id: Mapped[int] = mapped_column(BigInteger)
    account_id: Mapped[UUID]
    # The platform's tenant, when its relay opened the session for this one.
    actor_tenant_id: Mapped[UUID | None]
    title: Mapped[str | None]
    channel: Mapped[str]
    channel_id: Mapped[UUID | None]
    audience: Mapped[str] = mapped_column(server_default=FetchedValue())
    end_company_id: Mapped[str | None]
    end_user: Mapped[str | None]
    end_user_email: Mapped[str | None]
    show_agent_progress_steps: Mapped[bool | None]
    last_turn_no: Mapped[int] = mapped_column(server_default=FetchedValue())
    continues_provider: Mapped[str | None]
    continues_region: Mapped[str | None]
    continues_response_id: Mapped[str | None]
    continues_turn_no: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    updated_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    archived_at: Mapped[datetime | None]

    @classmethod
    def is_of(cls, caller: Principal) -> ColumnElement[bool]:
        """Whether this account opened it, as a condition of a query."""
        return (cls.account_id == caller.account_id) & (cls.channel == caller.surface)

    @property
    def shows_progress(self) -> bool:
        """Said when it is opened, and never changed: what one reader was not shown, no later one is."""
        return self.show_agent_progress_steps is not False


class ChatMessage(Authored, Base):
    """A message in AI SDK `UIMessage` parts. `position` orders a session's messages: two positions a turn."""

    __tablename__ = "chat_messages"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    session_id: Mapped[UUID]
    turn_id: Mapped[UUID]
    position: Mapped[int] = mapped_column(BigInteger)
    role: Mapped[str]
    parts: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    client_message_id: Mapped[str | None]
    draft_digest: Mapped[bytes | None]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())

    @property
    def text(self) -> str:
        return "".join(part["text"] for part in self.parts if part["type"] == "text")

    @property
    def long_bytes(self) -> int:
        return len(orjson.dumps(self.parts))

    @property
    def has_files(self) -> bool:
        return any(part["type"] == "file" for part in self.parts)


def title_of(message: str) -> str | None:
    """A session's title when none was given: the first line of its first message that shows something."""
    lines = (as_one_line(line).strip() for line in message.splitlines())
    line = next(filter(None, lines), None)
    if line is None or len(line) <= TITLE_CHARACTERS_MAX:
        return line
    return line[: TITLE_CHARACTERS_MAX - 1].rstrip() + "…"
