import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from neo.cli.operator import DataOption, JsonOption, no_tenant, owner

if TYPE_CHECKING:
    from neo.channels import KnownBot

app = typer.Typer(no_args_is_help=True, help="Teams bots: grant them to tenants, list, revoke.")

BotArgument = Annotated[UUID, typer.Argument(help="App id of the Teams bot.")]
TenantOption = Annotated[
    UUID, typer.Option("--tenant", help="The tenant's id: `neo tenants list` shows them.")
]


@app.command("grant")
def grant(bot: BotArgument, tenant: TenantOption, data: DataOption = None) -> None:
    """Give a bot to a tenant, or confirm that it is the tenant's. One of the platform's own tenant is shared: every
    tenant may have an MSP channel of it.
    """
    asyncio.run(_grant(data, bot, tenant))
    typer.echo(f"Bot {bot} is tenant {tenant}'s.")


@app.command("list")
def list_bots(
    data: DataOption = None,
    *,
    unconfirmed: Annotated[
        bool,
        typer.Option("--unconfirmed", help="Only what you have to confirm, with the channels that name it."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List all bots that are a tenant's or that a channel names."""
    for row in asyncio.run(_list(data, is_unconfirmed=unconfirmed)):
        typer.echo(json.dumps(row) if as_json else _line(row))


@app.command("revoke")
def revoke(bot: BotArgument, tenant: TenantOption, data: DataOption = None) -> None:
    """Take a bot away: nothing is routed by its channels any more, and the white-label ones are DISCONNECTED."""
    asyncio.run(_revoke(data, bot, tenant))
    typer.echo(f"Bot {bot} is tenant {tenant}'s no more.")


async def _grant(data: Path | None, bot_id: UUID, tenant_id: UUID) -> None:
    from neo.access import Operator  # noqa: PLC0415 - imports of seconds stay out of `--help`.
    from neo.channels import BotDesk, TenantNotFound  # noqa: PLC0415

    async with owner(data) as database:
        try:
            await BotDesk(database).grant(Operator(tenant_id), tenant_id, bot_id)
        except TenantNotFound as failure:
            raise no_tenant(tenant_id) from failure


async def _revoke(data: Path | None, bot_id: UUID, tenant_id: UUID) -> None:
    from neo.access import Operator  # noqa: PLC0415
    from neo.channels import BotDesk  # noqa: PLC0415

    async with owner(data) as database:
        await BotDesk(database).revoke(Operator(tenant_id), tenant_id, bot_id)


async def _list(data: Path | None, *, is_unconfirmed: bool) -> list[dict[str, Any]]:
    from neo.channels import known_bots  # noqa: PLC0415

    async with owner(data) as database, database.without_tenant() as connection:
        found = await known_bots(connection)
    return [_row(bot) for bot in found if not (is_unconfirmed and bot.is_confirmed)]


def _row(bot: "KnownBot") -> dict[str, Any]:
    return {
        "bot_id": str(bot.id),
        "tenant_id": str(bot.tenant_id) if bot.tenant_id else None,
        "is_confirmed": bot.is_confirmed,
        "is_shared": bot.is_platform,
        "granted_at": bot.granted_at.isoformat() if bot.granted_at else None,
        "named_by": [
            {
                "tenant_id": str(one.tenant_id),
                "channel_id": str(one.channel_id),
                "audience": one.audience,
                "status": one.status,
            }
            for one in bot.named_by
        ],
    }


def _line(row: dict[str, Any]) -> str:
    parts = [row["bot_id"], row["tenant_id"] or "nobody's"]
    parts += ["shared"] if row["is_shared"] else []
    parts += [row["granted_at"] if row["is_confirmed"] else "unconfirmed"]
    parts += [
        f"named by {one['tenant_id']} ({one['audience']} channel {one['channel_id']}, {one['status']})"
        for one in row["named_by"]
    ]
    return "  ".join(parts)
