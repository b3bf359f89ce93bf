import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import orjson
from fastapi import Query

from neo.errors import Failure, Kind

PAGE_SIZE_MAX = 200
PAGE_SIZE_DEFAULT = 50
# The longest position is a name of 200 characters, four bytes each.
CURSOR_CHARACTERS_MAX = 1_500
# The largest of PostgreSQL's integers, so no row has a larger number.
NUMBER_MAX = 2**31 - 1

Row = TypeVar("Row")


class InvalidPage(Failure):
    """A page's or a tail's cursor was not one that this API gave."""

    kind = Kind.MALFORMED
    code = "invalid_cursor"
    remedy = "Pass it unchanged, or none."


@dataclass(frozen=True)
class Page:
    size: int
    cursor: str | None

    def ending_after(self, rows: int) -> "Page":
        """The page with no more rows than these."""
        return replace(self, size=min(self.size, rows))


async def requested_page(
    page_size: Annotated[
        int, Query(ge=1, le=PAGE_SIZE_MAX, description="Most rows in the answer; fewer where they are long.")
    ] = PAGE_SIZE_DEFAULT,
    cursor: Annotated[
        str | None,
        Query(
            max_length=CURSOR_CHARACTERS_MAX,
            description="`meta.pagination.next_cursor` of the page before; opaque. Omit it for the first page.",
        ),
    ] = None,
) -> Page:
    return Page(page_size, cursor)


def page_token(kind: str, *position: object) -> str:
    """An opaque cursor; `kind` keeps one list's cursor from being read by another."""
    return base64.urlsafe_b64encode(orjson.dumps([kind, *position], default=str)).decode().rstrip("=")


def read_page_token(kind: str, token: str, length: int) -> list[Any]:
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        found = orjson.loads(raw)
    except (ValueError, binascii.Error) as error:
        raise _invalid() from error
    if not isinstance(found, list) or len(found) != length + 1 or found[0] != kind:
        raise _invalid()
    return found[1:]


def number_before(kind: str, page: Page, *, number_max: int = NUMBER_MAX) -> int | None:
    """The position of the next page in a list ordered by falling number; None for the first page."""
    if page.cursor is None:
        return None
    [number] = read_page_token(kind, page.cursor, 1)
    if type(number) is not int or not 0 < number <= number_max:
        raise _invalid()
    return number


def moment_before(kind: str, page: Page) -> tuple[datetime, UUID] | None:
    """The position of the next page in a list ordered by time and id; None for the first page."""
    if page.cursor is None:
        return None
    moment, row_id = read_page_token(kind, page.cursor, 2)
    try:
        return _zoned(moment).astimezone(UTC), UUID(row_id)
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise _invalid() from error


def next_cursor(
    kind: str, page: Page, found: Sequence[Row], position: Callable[[Row], tuple[object, ...]]
) -> str | None:
    """The cursor that follows the page's last row; None when `found` has no row after it."""
    return page_token(kind, *position(found[page.size - 1])) if len(found) > page.size else None


def _zoned(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("a moment without a zone")
    return found


def _invalid() -> InvalidPage:
    return InvalidPage("Pass `next_cursor` of the page before, unchanged, or none for the first page.")
