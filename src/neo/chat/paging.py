from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from neo.access import Principal
from neo.api import Page, moment_before, next_cursor, number_before
from neo.sessions import ChatMessage, ChatSession


def sessions_before(caller: Principal, page: Page) -> tuple[datetime, UUID] | None:
    return moment_before(_sessions(caller), page)


def next_sessions(caller: Principal, page: Page, found: Sequence[ChatSession]) -> str | None:
    return next_cursor(
        _sessions(caller), page, found, lambda session: (session.created_at.isoformat(), session.id)
    )


def messages_after(session_id: UUID, page: Page, order: str) -> int | None:
    return number_before(_messages(session_id, order), page)


def next_messages(session_id: UUID, page: Page, order: str, found: Sequence[ChatMessage]) -> str | None:
    return next_cursor(_messages(session_id, order), page, found, lambda message: (message.position,))


def _sessions(caller: Principal) -> str:
    # The tenant is in the cursor, so that one tenant's cursor is refused to another.
    return f"sessions:{caller.tenant_id}"


def _messages(session_id: UUID, order: str) -> str:
    return f"messages:{session_id}:{order}"
