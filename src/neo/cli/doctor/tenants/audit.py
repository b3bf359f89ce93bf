"""Verifies each tenant's chain of the audit log, from its anchor on."""

from typing import TYPE_CHECKING

from neo.cli.doctor.findings import Finding, fine, problem

if TYPE_CHECKING:
    from neo.db import Database

NAME = "audit log"
COUNT = "SELECT count(*) FROM audit_log"
NEXT_STEP = "look into who has the rights of the database's owner, and compare with a backup"


async def check_audit_log(owner: "Database") -> list[Finding]:
    from sqlalchemy import text  # noqa: PLC0415 - imports of seconds stay out of `--help`.

    from neo.audit import faults  # noqa: PLC0415
    from neo.tenants import all_tenants  # noqa: PLC0415

    async with owner.without_tenant() as connection:
        tenants = [row.id for row in await all_tenants(connection)]
        entries = await connection.scalar(text(COUNT))
    broken = [found for tenant in tenants if (found := await faults(owner, tenant))]
    if broken:
        said = "; ".join(fault.line() for found in broken for fault in found)
        return [problem(NAME, f"{len(broken)} chains are not whole: {said}.", NEXT_STEP)]
    return [fine(NAME, f"The chains of {len(tenants)} tenants are whole, with {entries} entries.")]
