"""A page of rows that may be long: no more of them is read than the page has room for."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeVar

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession

# Two hundred rows of texts at their bounds would be 40 MB, in the memory of whoever answers and of whoever asked.
PAGE_BYTES_MAX = 4 * 1024 * 1024
# The first rows come with the first answer; of the longest rows these are 3 MB.
ROWS_AT_ONCE = 25


class Long(Protocol):
    """A row that may be long."""

    @property
    def long_bytes(self) -> int: ...


Row = TypeVar("Row", bound=Long)


async def read_page(db: AsyncSession, wanted: Select[Row]) -> Sequence[Row]:
    """The rows, to the first that no page with those before it has room for."""
    found: list[Row] = []
    size = 0
    rows = await db.stream_scalars(wanted.execution_options(yield_per=ROWS_AT_ONCE))
    try:
        async for row in rows:
            found.append(row)
            size += row.long_bytes
            if size > PAGE_BYTES_MAX and len(found) > 1:
                break
    finally:
        await rows.close()
    return found


class Fitting(NamedTuple):
    rows: int
    size_bytes: int


def fitting(rows: Sequence[Long]) -> Fitting:
    """How many of the rows a page has room for: one at least."""
    size = 0
    for number, row in enumerate(rows):
        more = row.long_bytes
        if size + more > PAGE_BYTES_MAX and number:
            return Fitting(number, size)
        size += more
    return Fitting(len(rows), size)
