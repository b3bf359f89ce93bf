import asyncio
import json
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from neo.cli.operator import DataOption, JsonOption, NoDatabase, ground

app = typer.Typer(no_args_is_help=True, help="API keys of a tenant: create, list, revoke.")

TenantOption = Annotated[
    UUID, typer.Option("--tenant", help="The tenant's id: `neo tenants list` shows them.")
]


@app.command("create")
def create(
    tenant: TenantOption,
    name: Annotated[
        str, typer.Option(help="What the key is for, 1 to 200 characters.")
    ] = "Created by neo keys",
    data: DataOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Create an API key. It is shown once: only its HMAC is stored."""
    key_id, key = asyncio.run(_create(data, tenant, name))
    if as_json:
        typer.echo(json.dumps({"id": str(key_id), "tenant_id": str(tenant), "api_key": key}))
    else:
        typer.echo(f"{key}\nKey {key_id} of tenant {tenant}. It is not shown again.")


@app.command("list")
def list_keys(tenant: TenantOption, data: DataOption = None, *, as_json: JsonOption = False) -> None:
    """List a tenant's keys, without their secrets."""
    for row in asyncio.run(_list(data, tenant)):
        typer.echo(json.dumps(row) if as_json else "  ".join(str(value) for value in row.values()))


@app.command("revoke")
def revoke(
    key_id: Annotated[UUID, typer.Argument(help="The key's id: `neo keys list` shows them.")],
    tenant: TenantOption,
    data: DataOption = None,
) -> None:
    """End a key at once and for good."""
    asyncio.run(_revoke(data, tenant, key_id))
    typer.echo(f"Key {key_id} is revoked.")


async def _create(data: Path | None, tenant_id: UUID, name: str) -> tuple[UUID, str]:
    from sqlalchemy.exc import IntegrityError  # noqa: PLC0415

    from neo.access import ApiKeyStore, Pepper  # noqa: PLC0415 - imports of seconds stay out of `--help`.
    from neo.db import Database  # noqa: PLC0415

    async with ground(data) as here:
        if here.secret_key is None:
            raise NoDatabase("NEO_SECRET_KEY is not set: keys are stored as an HMAC with it.")
        database = Database(here.database_url, connections_max=1)
        try:
            async with database.transaction(tenant_id) as db:
                keys = ApiKeyStore(db, tenant_id)
                environment = here.settings.server.environment
                pepper = Pepper(tuple(here.secret_key.split(",")))
                return await keys.create(name[:200], environment=environment, pepper=pepper)
        except IntegrityError as error:
            raise NoDatabase(f"There is no tenant {tenant_id}: `neo tenants list` shows them.") from error
        finally:
            await database.aclose()


async def _list(data: Path | None, tenant_id: UUID) -> list[dict[str, str | None]]:
    from neo.access import ApiKeyStore  # noqa: PLC0415
    from neo.db import Database  # noqa: PLC0415

    async with ground(data) as here:
        database = Database(here.database_url, connections_max=1)
        try:
            async with database.transaction(tenant_id) as db:
                found = await ApiKeyStore(db, tenant_id).list()
        finally:
            await database.aclose()
    return [
        {
            "id": str(key.id),
            "name": key.name,
            "ends_with": key.hint,
            "created_at": key.created_at.isoformat(),
            "expires_at": key.expires_at.isoformat() if key.expires_at else None,
            "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
        }
        for key in found
    ]


async def _revoke(data: Path | None, tenant_id: UUID, key_id: UUID) -> None:
    from neo.access import ApiKeyStore  # noqa: PLC0415
    from neo.db import Database  # noqa: PLC0415

    async with ground(data) as here:
        database = Database(here.database_url, connections_max=1)
        try:
            async with database.transaction(tenant_id) as db:
                await ApiKeyStore(db, tenant_id).revoke(key_id)
        finally:
            await database.aclose()
