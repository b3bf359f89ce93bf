import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from neo.cli.operator import (
    DataOption,
    JsonOption,
    NoDatabase,
    OperatorDatabase,
    application,
    no_tenant,
    owning,
)

if TYPE_CHECKING:
    from neo.access import KeyDesk, NewKey
    from neo.db import Database

app = typer.Typer(no_args_is_help=True, help="API keys of a tenant: create, list, rotate, revoke.")

TenantOption = Annotated[
    UUID, typer.Option("--tenant", help="The tenant's id: `neo tenants list` shows them.")
]
KeyArgument = Annotated[UUID, typer.Argument(help="The key's id: `neo keys list` shows them.")]
ExpiresOption = Annotated[
    datetime | None,
    typer.Option(
        "--expires",
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"],
        help="When the key ends, UTC unless a zone is given, within ten years. Default: never.",
    ),
]


@app.command("create")
def create(
    tenant: TenantOption,
    name: Annotated[
        str, typer.Option(help="What the key is for, 1 to 200 characters.")
    ] = "Created by neo keys",
    expires: ExpiresOption = None,
    data: DataOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Create an API key. It is shown once: only its HMAC is stored. A platform tenant's key acts for the platform."""
    ends = expires.replace(tzinfo=UTC) if expires and expires.tzinfo is None else expires
    _show(asyncio.run(_create(data, tenant, name, ends)), tenant, as_json=as_json)


@app.command("list")
def list_keys(tenant: TenantOption, data: DataOption = None, *, as_json: JsonOption = False) -> None:
    """List a tenant's keys, without their secrets."""
    for row in asyncio.run(_list(data, tenant)):
        typer.echo(json.dumps(row) if as_json else _line(row))


@app.command("rotate")
def rotate(
    key_id: KeyArgument, tenant: TenantOption, data: DataOption = None, *, as_json: JsonOption = False
) -> None:
    """Replace a key by a new one of the same account. The old one works for 24 hours more."""
    _show(asyncio.run(_rotate(data, tenant, key_id)), tenant, as_json=as_json)


@app.command("revoke")
def revoke(
    key_id: KeyArgument,
    tenant: TenantOption,
    data: DataOption = None,
    *,
    revoke_minted: Annotated[
        bool, typer.Option("--revoke-minted", help="End the session tokens that the key minted as well.")
    ] = False,
) -> None:
    """End a key at once and for good. Session tokens that it minted go on, unless they are to end with it."""
    minted = asyncio.run(_revoke(data, tenant, key_id, revoke_minted=revoke_minted))
    also = f" So are {minted} session tokens that it minted." if revoke_minted else ""
    typer.echo(f"Key {key_id} is revoked.{also}")


async def _create(data: Path | None, tenant_id: UUID, name: str, expires_at: datetime | None) -> "NewKey":
    from sqlalchemy.exc import IntegrityError  # noqa: PLC0415

    from neo.access import Operator  # noqa: PLC0415

    async with owning(data) as (here, database):
        desk = _desk(here, database)
        try:
            return await desk.create(Operator(tenant_id), name[:200], expires_at=expires_at)
        except IntegrityError as error:
            raise no_tenant(tenant_id) from error


async def _rotate(data: Path | None, tenant_id: UUID, key_id: UUID) -> "NewKey":
    from neo.access import Operator  # noqa: PLC0415

    async with owning(data) as (here, database):
        return await _desk(here, database).rotate(Operator(tenant_id), key_id)


async def _list(data: Path | None, tenant_id: UUID) -> list[dict[str, str | None]]:
    from neo.access import ApiKeyStore  # noqa: PLC0415

    async with application(data) as (_, database), database.transaction(tenant_id) as db:
        found = await ApiKeyStore(db, tenant_id).list()
    return [
        {
            "id": str(key.id),
            "name": key.name,
            "ends_with": key.hint,
            "created_at": key.created_at.isoformat(),
            "last_used_at": _when(key.last_used_at),
            "expires_at": _when(key.expires_at),
            "rotated_at": _when(key.rotated_at),
            "revoked_at": _when(key.revoked_at),
        }
        for key in found
    ]


async def _revoke(data: Path | None, tenant_id: UUID, key_id: UUID, *, revoke_minted: bool) -> int:
    from neo.access import Operator, revoke_key  # noqa: PLC0415

    async with owning(data) as (_, database):
        _, minted = await revoke_key(database, Operator(tenant_id), key_id, revoke_minted=revoke_minted)
    return minted


def _desk(here: OperatorDatabase, database: "Database") -> "KeyDesk":
    from neo.access import KeyDesk, Pepper  # noqa: PLC0415 - imports of seconds stay out of `--help`.

    if here.secret_key is None:
        raise NoDatabase("NEO_SECRET_KEY is not set: keys are stored as an HMAC with it.")
    return KeyDesk(database, here.settings.server.environment, Pepper(tuple(here.secret_key.split(","))))


def _show(made: "NewKey", tenant_id: UUID, *, as_json: bool) -> None:
    if as_json:
        shown = {"id": str(made.row.id), "tenant_id": str(tenant_id), "api_key": made.plain}
        typer.echo(json.dumps({**shown, "expires_at": _when(made.row.expires_at)}))
    else:
        typer.echo(f"{made.plain}\nKey {made.row.id} of tenant {tenant_id}. It is not shown again.")


def _line(row: dict[str, str | None]) -> str:
    always = [str(row[name]) for name in ("id", "name", "ends_with", "created_at")]
    return "  ".join(
        [*always, f"last_used_at={row['last_used_at'] or 'never'}"]
        + [f"{name}={row[name]}" for name in ("expires_at", "rotated_at", "revoked_at") if row[name]]
    )


def _when(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
