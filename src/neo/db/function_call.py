"""How a function of the database is called: by its name, with its values."""

import re
from collections.abc import Sequence
from functools import cache

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from neo.db.driver import driver_of

NAME = re.compile(r"neo_[a-z_]+")


@cache
def calling(function: str, values: int) -> str:
    """The statement that calls a function with so many values. No other text is put together for the server."""
    if NAME.fullmatch(function) is None:
        raise ValueError(f"{function!r} names no function of the database.")
    parameters = ", ".join(f"${number}" for number in range(1, values + 1))
    return f"SELECT * FROM {function}({parameters})"  # noqa: S608 - the name is checked, the rest is numbers.


async def call_within(db: AsyncSession, function: str, *values: object) -> Sequence[asyncpg.Record]:
    """The rows of a function, called within this transaction."""
    driver = await driver_of(await db.connection())
    found: Sequence[asyncpg.Record] = await driver.fetch(calling(function, len(values)), *values)
    return found
