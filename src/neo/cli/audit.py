import asyncio
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from neo.cli.operator import DataOption, no_tenant, owner

if TYPE_CHECKING:
    from neo.db import Database

app = typer.Typer(
    no_args_is_help=True,
    help="The audit log: erase a person, trim what is too old. `neo doctor` verifies it.",
)

# A century: PostgreSQL's time reaches no further back than some thousand years.
DAYS_MAX = 36_500


@app.command("erase")
def erase(
    tenant: Annotated[UUID, typer.Option("--tenant", help="The tenant's id: `neo tenants list` shows them.")],
    person: Annotated[
        str, typer.Argument(help="As entries name them: an end user's name or address, or a technician's id.")
    ],
    data: DataOption = None,
) -> None:
    """Erase the details of all entries that name a person, for good. The entries stay, with ids and digests only."""
    if not person.strip():
        raise typer.BadParameter("it is empty", param_hint="PERSON")
    erased = asyncio.run(_erase(data, tenant, person))
    typer.echo(f"The details of {erased} entries are erased.")


@app.command("trim")
def trim(
    keep_days: Annotated[
        int, typer.Option("--keep-days", min=1, max=DAYS_MAX, help="Entries of these days stay.")
    ],
    tenant: Annotated[
        UUID | None, typer.Option("--tenant", help="Only of this tenant; all of them otherwise.")
    ] = None,
    data: DataOption = None,
) -> None:
    """Replace entries that are older by their number, their time and the last one's hash, for good."""
    trimmed = asyncio.run(_trim(data, tenant, timedelta(days=keep_days)))
    typer.echo(f"{trimmed} entries are trimmed.")


async def _erase(data: Path | None, tenant_id: UUID, person: str) -> int:
    from neo.audit import erase as erase_person  # noqa: PLC0415 - imports of seconds stay out of `--help`.

    async with owner(data) as database:
        [known] = await _tenants(database, tenant_id)
        return await erase_person(database, known, person)


async def _trim(data: Path | None, tenant_id: UUID | None, older_than: timedelta) -> int:
    from neo.audit import trim as trim_log  # noqa: PLC0415

    async with owner(data) as database:
        return sum([await trim_log(database, one, older_than) for one in await _tenants(database, tenant_id)])


async def _tenants(database: "Database", wanted: UUID | None) -> list[UUID]:
    from neo.tenants import all_tenants  # noqa: PLC0415

    async with database.without_tenant() as connection:
        known = [row.id for row in await all_tenants(connection)]
    if wanted is None:
        return known
    if wanted not in known:
        raise no_tenant(wanted)
    return [wanted]
