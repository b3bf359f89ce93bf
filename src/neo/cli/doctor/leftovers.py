"""Checks for leftovers: databases whose data folder is gone, uploads that no message used."""

from typing import TYPE_CHECKING

from neo.cli.doctor.context import RepairContext
from neo.cli.doctor.findings import Finding, fine, warning
from neo.cli.doctor.repair import Repair

if TYPE_CHECKING:
    from neo.db import Database

DATABASES, UPLOADS = "left databases", "unused uploads"
MEGABYTE = 1_000_000
REPAIR_STEP = "neo doctor --repair removes them"
# Servers sweep every five minutes; an upload an hour overdue means that no server sweeps.
OVERDUE = """
SELECT count(*) FROM attachments WHERE message_id IS NULL AND created_at < now() - :hours * interval '1 hour'
"""
HOURS_OF_GRACE = 1


async def check_databases() -> list[Finding]:
    from neo.engines.postgres.leftovers import LEFT_DAYS, find_leftovers  # noqa: PLC0415 - not needed for `--help`.

    left = find_leftovers()
    if not left:
        return [fine(DATABASES, "Every database on this machine has its data folder.")]
    size = sum(one.size_bytes for one in left) // MEGABYTE
    names = ", ".join(f"{one.home} (of {one.data_folder})" for one in left)
    said = f"{len(left)} databases of {size} MB, unused for {LEFT_DAYS} days, have no data folder any more: {names}."
    return [warning(DATABASES, said, REPAIR_STEP)]


async def check_uploads(owner: "Database", upload_hours: float) -> list[Finding]:
    from sqlalchemy import text  # noqa: PLC0415

    async with owner.without_tenant() as connection:
        found = await connection.scalar(text(OVERDUE), {"hours": upload_hours + HOURS_OF_GRACE})
    if not found:
        return [fine(UPLOADS, f"No upload has waited for its message for over {upload_hours:g} h.")]
    said = f"{found} uploads have waited for a message for over {upload_hours:g} h; a server that runs removes them."
    return [warning(UPLOADS, said, REPAIR_STEP)]


async def _remove_databases(_context: RepairContext, _broken: str) -> str:
    from neo.engines.postgres.leftovers import find_leftovers  # noqa: PLC0415

    left = find_leftovers()
    for one in left:
        one.remove()
    return f"{len(left)} databases are removed: {', '.join(str(one.home) for one in left)}."


async def _remove_uploads(context: RepairContext, _broken: str) -> str:
    removed = 0
    while found := await context.orphans().sweep():
        removed += found
    return f"{removed} uploads are removed."


REMOVE_DATABASES = Repair("remove these databases for good", _remove_databases)
REMOVE_UPLOADS = Repair("remove these uploads", _remove_uploads)
