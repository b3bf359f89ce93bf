import asyncio
import json
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from neo.cli.operator import DataOption, JsonOption, NoDatabase, ground

app = typer.Typer(no_args_is_help=True, help="Tenants: create, list.")


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="The managed-service provider's name.")],
    data: DataOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Create a tenant with its NEO_SUPPORT agent."""
    tenant_id = asyncio.run(_create(data, name))
    if as_json:
        typer.echo(json.dumps({"tenant_id": str(tenant_id), "name": name}))
    else:
        typer.echo(f"{tenant_id}\nNext: neo keys create --tenant {tenant_id}")


@app.command("list")
def list_tenants(data: DataOption = None, *, as_json: JsonOption = False) -> None:
    """List all tenants, oldest first."""
    for row in asyncio.run(_list(data)):
        typer.echo(json.dumps(row) if as_json else "  ".join(row.values()))


async def _create(data: Path | None, name: str) -> UUID:
    from neo.agents import create_tenant  # noqa: PLC0415 - imports of seconds stay out of `--help`.
    from neo.db import Database  # noqa: PLC0415

    async with ground(data) as here:
        database = Database(here.database_url, connections_max=1)
        try:
            return await create_tenant(database, name)
        finally:
            await database.aclose()


async def _list(data: Path | None) -> list[dict[str, str]]:
    from neo.db import Database  # noqa: PLC0415
    from neo.tenants import all_tenants  # noqa: PLC0415

    async with ground(data) as here:
        if here.owner_url is None:
            raise NoDatabase("NEO_DATABASE_OWNER_URL is not set: only the owner's role sees all tenants.")
        database = Database(here.owner_url, connections_max=1)
        try:
            async with database.without_tenant() as owner:
                found = await all_tenants(owner)
        finally:
            await database.aclose()
    return [
        {"tenant_id": str(row.id), "name": row.name, "created_at": row.created_at.isoformat()}
        for row in found
    ]
