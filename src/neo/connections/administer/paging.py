from collections.abc import Sequence

from neo.access import Principal
from neo.api import InvalidPage, Page, next_cursor, read_page_token
from neo.connections.rows.models import Connection


def connections_after(caller: Principal, page: Page) -> str | None:
    if page.cursor is None:
        return None
    [name] = read_page_token(_kind(caller), page.cursor, 1)
    # PostgreSQL's text has no NUL.
    if not isinstance(name, str) or "\0" in name:
        raise InvalidPage("Pass `next_cursor` of the page before, unchanged.")
    return name


def next_connections(caller: Principal, page: Page, found: Sequence[Connection]) -> str | None:
    return next_cursor(_kind(caller), page, found, lambda connection: (connection.name,))


def _kind(caller: Principal) -> str:
    # The tenant is in the cursor, so that one tenant's cursor is refused to another.
    return f"connections:{caller.tenant_id}"
