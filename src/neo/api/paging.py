import base64
import binascii
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import Query

from neo.errors import Failure, Kind

PAGE_SIZE_MAX = 200
PAGE_SIZE_DEFAULT = 50
CURSOR_CHARACTERS_MAX = 500


class InvalidPage(Failure):
    kind = Kind.MALFORMED
    code = "invalid_cursor"


@dataclass(frozen=True)
class Page:
    size: int
    cursor: str | None


async def requested_page(
    page_size: Annotated[
        int, Query(ge=1, le=PAGE_SIZE_MAX, description="Most rows in the answer.")
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


def _invalid() -> InvalidPage:
    return InvalidPage("Pass `next_cursor` of the page before, unchanged, or none for the first page.")
