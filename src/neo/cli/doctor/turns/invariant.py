"""One thing that must be true of all rows, as a query that finds what violates it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from neo.cli.doctor.context import broken_ids
from neo.cli.doctor.findings import Finding, fine, problem
from neo.cli.doctor.repair import Repair

if TYPE_CHECKING:
    from neo.db import Database

LOOK_AT_SERVER = "look into the server's log, with this id"
REPORT = "report it with this id; no turn should ever be like this"


@dataclass(frozen=True)
class Invariant:
    """`broken` selects the `id` of what violates it. It has no `repair` where the cause must be understood first."""

    name: str
    fine: str
    breaks: str
    broken: str
    next_step: str
    repair: Repair | None = None


async def check_owner(owner: "Database") -> list[Finding]:
    await owner.ping()
    return []


async def check_invariant(owner: "Database", invariant: Invariant) -> list[Finding]:
    from sqlalchemy import Text, cast, func, select  # noqa: PLC0415 - imports of seconds stay out of `--help`.

    broken = broken_ids(invariant.broken)
    # Only the count and one id are shown, for there may be very many.
    asked = select(func.count().label("found"), func.min(cast(broken.c.id, Text)).label("one")).select_from(
        broken
    )
    async with owner.without_tenant() as connection:
        row = (await connection.execute(asked)).one()
    if row.found:
        said = f"{row.found} {invariant.breaks}, e.g. {row.one}."
        return [problem(invariant.name, said, invariant.next_step)]
    return [fine(invariant.name, invariant.fine)]
