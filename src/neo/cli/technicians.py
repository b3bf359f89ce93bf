import asyncio
import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from neo.cli.operator import DataOption, JsonOption, no_tenant, owning

app = typer.Typer(no_args_is_help=True, help="A tenant's own people and their roles: add, list.")

TenantOption = Annotated[
    UUID, typer.Option("--tenant", help="The tenant's id: `neo tenants list` shows them.")
]


class RoleName(StrEnum):
    """As in `neo.access`, whose import would take `--help` a second."""

    ADMIN = "Admin"
    USER = "User"
    VIEWER = "Viewer"


@app.command("add")
def add(
    tenant: TenantOption,
    user_id: Annotated[UUID, typer.Option("--user-id", help="The person's object id in Entra ID.")],
    role: Annotated[RoleName, typer.Option(help="What they may do.")] = RoleName.USER,
    name: Annotated[str | None, typer.Option(help="Their name, for display.")] = None,
    data: DataOption = None,
) -> None:
    """Put somebody into the roster, or give who is there already this role. The first Admin comes from here."""
    asyncio.run(_add(data, tenant, user_id, {"role": role.value, **({"name": name[:200]} if name else {})}))
    typer.echo(f"{user_id} is {role.value} of tenant {tenant}.")


@app.command("list")
def list_technicians(tenant: TenantOption, data: DataOption = None, *, as_json: JsonOption = False) -> None:
    """List a tenant's roster, newest first, at most 1,000."""
    for row in asyncio.run(_list(data, tenant)):
        typer.echo(json.dumps(row) if as_json else _line(row))


async def _add(data: Path | None, tenant_id: UUID, user_id: UUID, values: dict[str, Any]) -> None:
    from sqlalchemy.exc import IntegrityError  # noqa: PLC0415

    from neo.people import Roster  # noqa: PLC0415 - imports of seconds stay out of `--help`.

    async with owning(data) as (_, database):
        try:
            await Roster(database).put(tenant_id, user_id, values)
        except IntegrityError as error:
            raise no_tenant(tenant_id) from error


async def _list(data: Path | None, tenant_id: UUID) -> list[dict[str, Any]]:
    from neo.people import Roster  # noqa: PLC0415

    async with owning(data) as (_, database):
        found = await Roster(database).newest(tenant_id, 1000, before=None)
    return [
        {
            "user_id": str(one.user_id),
            "role": one.role,
            "is_active": one.is_active,
            "name": one.name,
            "email": one.email,
            "created_at": one.created_at.isoformat(),
        }
        for one in found
    ]


def _line(row: dict[str, Any]) -> str:
    known = [str(row[name]) for name in ("user_id", "role", "name", "email") if row[name]]
    return "  ".join([*known, row["created_at"]] + ([] if row["is_active"] else ["locked out"]))
