import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from neo.cli.operator import DataOption, JsonOption, no_tenant, owner

if TYPE_CHECKING:
    from neo.agents import TenantOperator

app = typer.Typer(no_args_is_help=True, help="Tenants: create, list, suspend, resume, link to Entra ID.")

TenantArgument = Annotated[UUID, typer.Argument(help="The tenant's id: `neo tenants list` shows them.")]


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="The managed-service provider's name.")],
    entra_tenant: Annotated[
        UUID | None,
        typer.Option("--entra-tenant", help="Id of its Microsoft tenant: whose people may sign in."),
    ] = None,
    data: DataOption = None,
    *,
    platform: Annotated[
        bool, typer.Option("--platform", help="Its keys may act for other tenants: for your own relay only.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Create a tenant with its NEO_SUPPORT agent."""
    tenant_id = asyncio.run(_create(data, name, entra_tenant, is_platform=platform))
    if as_json:
        typer.echo(json.dumps({"tenant_id": str(tenant_id), "name": name}))
    else:
        typer.echo(f"{tenant_id}\nNext: neo keys create --tenant {tenant_id}")


@app.command("list")
def list_tenants(data: DataOption = None, *, as_json: JsonOption = False) -> None:
    """List all tenants, oldest first."""
    for row in asyncio.run(_list(data)):
        typer.echo(json.dumps(row) if as_json else _line(row))


@app.command("suspend")
def suspend(tenant: TenantArgument, data: DataOption = None) -> None:
    """Turn away all of a tenant's callers, open tails included. Nothing is deleted."""
    asyncio.run(_operate(data, tenant, lambda operator: operator.suspend(tenant)))
    typer.echo(f"Tenant {tenant} is suspended.")


@app.command("resume")
def resume(tenant: TenantArgument, data: DataOption = None) -> None:
    """Let a suspended tenant's callers in again."""
    asyncio.run(_operate(data, tenant, lambda operator: operator.resume(tenant)))
    typer.echo(f"Tenant {tenant} is not suspended.")


@app.command("set-entra")
def set_entra(
    tenant: TenantArgument,
    entra_tenant: Annotated[UUID, typer.Argument(help="Id of its Microsoft tenant.")],
    data: DataOption = None,
) -> None:
    """Say which Microsoft tenant a tenant is: its people may sign in from now on, and no others."""
    asyncio.run(_operate(data, tenant, lambda operator: operator.set_entra(tenant, entra_tenant)))
    typer.echo(f"Tenant {tenant} is Microsoft tenant {entra_tenant}.")


@app.command("set-timezone")
def set_timezone(
    tenant: TenantArgument,
    timezone: Annotated[str, typer.Argument(help="IANA name, such as Europe/Berlin.")],
    data: DataOption = None,
) -> None:
    """Say which time its agents take for now; UTC until then. Its own people may too, in its settings."""
    asyncio.run(_operate(data, tenant, lambda operator: operator.set_timezone(tenant, timezone)))
    typer.echo(f"Tenant {tenant} is in {timezone}.")


async def _create(data: Path | None, name: str, entra_tenant: UUID | None, *, is_platform: bool) -> UUID:
    from neo.agents import create_tenant  # noqa: PLC0415 - seconds stay out of `--help`.

    async with owner(data) as database:
        return await create_tenant(database, name, entra_tenant_id=entra_tenant, is_platform=is_platform)


async def _operate(
    data: Path | None, tenant_id: UUID, change: "Callable[[TenantOperator], Awaitable[bool]]"
) -> None:
    from neo.agents import TenantOperator  # noqa: PLC0415

    async with owner(data) as database:
        if not await change(TenantOperator(database)):
            raise no_tenant(tenant_id)


async def _list(data: Path | None) -> list[dict[str, Any]]:
    from neo.tenants import all_tenants  # noqa: PLC0415

    async with owner(data) as database, database.without_tenant() as connection:
        found = await all_tenants(connection)
    return [
        {
            "tenant_id": str(row.id),
            "name": row.name,
            "created_at": row.created_at.isoformat(),
            "is_platform": row.is_platform,
            "entra_tenant_id": str(row.entra_tenant_id) if row.entra_tenant_id else None,
            "timezone": row.timezone,
            "suspended_at": row.suspended_at.isoformat() if row.suspended_at else None,
        }
        for row in found
    ]


def _line(row: dict[str, Any]) -> str:
    parts = [row["tenant_id"], row["name"], row["created_at"]]
    parts += ["platform"] if row["is_platform"] else []
    parts += [f"{name}={row[name]}" for name in ("entra_tenant_id", "timezone", "suspended_at") if row[name]]
    return "  ".join(parts)
