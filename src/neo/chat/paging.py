from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from neo.access import Principal
from neo.api import InvalidPage, Page, page_token, read_page_token
from neo.sessions import ChatMessage, ChatSession


def sessions_before(caller: Principal, page: Page) -> tuple[datetime, UUID] | None:
    if page.cursor is None:
        return None
    # The tenant is in the cursor, so that one tenant's cursor is refused to another.
    created_at, session_id = read_page_token(f"sessions:{caller.tenant_id}", page.cursor, 2)
    try:
        return datetime.fromisoformat(created_at), UUID(session_id)
    except (TypeError, ValueError, AttributeError) as error:
        raise InvalidPage("Pass `next_cursor` of the page before, unchanged.") from error


def next_sessions(caller: Principal, page: Page, found: Sequence[ChatSession]) -> str | None:
    if len(found) <= page.size:
        return None
    last = found[page.size - 1]
    return page_token(f"sessions:{caller.tenant_id}", last.created_at.isoformat(), last.id)


def messages_after(page: Page, order: str) -> int | None:
    if page.cursor is None:
        return None
    [position] = read_page_token(f"messages:{order}", page.cursor, 1)
    if not isinstance(position, int):
        raise InvalidPage("Pass `next_cursor` of the page before, unchanged.")
    return position


def next_messages(page: Page, order: str, found: Sequence[ChatMessage]) -> str | None:
    if len(found) <= page.size:
        return None
    return page_token(f"messages:{order}", found[page.size - 1].position)
