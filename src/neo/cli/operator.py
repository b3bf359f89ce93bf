"""What the operator's commands share: a database to work on, whether a server runs or not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from neo.errors import Edge, Failure, Kind

if TYPE_CHECKING:
    from neo.db import Database
    from neo.settings import Settings

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data", help="Data folder of `neo serve` (NEO_DATA_DIR, default .neo); a server may run on it."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One line of JSON instead of words.")]


class NoDatabase(Failure):
    """There is no data folder to work on, or a needed setting or tenant is missing."""

    kind = Kind.INVALID
    code = "no_database"
    remedy = "Run `neo serve` first, or give what the message names."
    edges = (Edge.COMMAND_LINE,)


# A log of years is trimmed, or verified, in one statement.
OWNER_SECONDS = 600.0
POSTGRES: tuple[Literal["postgres"], ...] = ("postgres",)


@dataclass(frozen=True)
class OperatorDatabase:
    """The database as the application's role and as its owner, and the secret of the API keys."""

    settings: "Settings"
    database_url: str
    owner_url: str | None
    secret_key: str | None


@asynccontextmanager
async def operator_database(data: Path | None) -> AsyncIterator[OperatorDatabase]:
    """The configured database, or a data folder's embedded one, which is started when it does not run."""
    # Reading settings takes a tenth of a second of imports, which `neo serve` does without.
    from neo.settings import plain, read_settings  # noqa: PLC0415

    settings = read_settings()
    database_url = plain(settings.database.database_url)
    if database_url:
        owner_url, secret = plain(settings.database.database_owner_url), plain(settings.server.secret_key)
        yield OperatorDatabase(settings, database_url, owner_url, secret)
        return
    folder = data or Path(settings.server.data_dir)
    if not folder.is_dir():
        raise NoDatabase(f"There is no data folder {folder}: run `neo serve` first, or set NEO_DATABASE_URL.")
    async with _embedded(settings, folder) as found:
        yield found


@asynccontextmanager
async def application(data: Path | None) -> AsyncIterator[tuple[OperatorDatabase, "Database"]]:
    """The database as the application's role: one tenant at a time."""
    from neo.db import Database  # noqa: PLC0415 - imports of seconds stay out of `--help`.

    async with operator_database(data) as here:
        database = Database(here.database_url, connections_max=1)
        try:
            yield here, database
        finally:
            await database.aclose()


@asynccontextmanager
async def owner(data: Path | None) -> AsyncIterator["Database"]:
    """The database as the owner's role, which sees all tenants and may write all of their columns."""
    async with owning(data) as (_, database):
        yield database


@asynccontextmanager
async def owning(data: Path | None) -> AsyncIterator[tuple[OperatorDatabase, "Database"]]:
    """The same, with what it was opened from. Only the owner's role records what the operator did."""
    from neo.db import Database  # noqa: PLC0415

    async with operator_database(data) as here:
        if here.owner_url is None:
            raise NoDatabase("NEO_DATABASE_OWNER_URL is not set: this is for the owner's role only.")
        database = Database(here.owner_url, connections_max=1, statement_seconds=OWNER_SECONDS)
        try:
            yield here, database
        finally:
            await database.aclose()


def no_tenant(tenant_id: object) -> NoDatabase:
    return NoDatabase(f"There is no tenant {tenant_id}: `neo tenants list` shows them.")


@asynccontextmanager
async def _embedded(settings: "Settings", folder: Path) -> AsyncIterator[OperatorDatabase]:
    from neo.engines.data_folder.running import read_running  # noqa: PLC0415 - only embedded engines need it.
    from neo.settings import plain  # noqa: PLC0415

    running = read_running(folder)
    secret = plain(settings.server.secret_key) or _secret(folder)
    if running is not None:
        yield OperatorDatabase(
            settings, running.addresses.database_url, running.addresses.database_owner_url, secret
        )
        return
    from neo.engines.stack import engines_up  # noqa: PLC0415

    async with engines_up(folder, parts=POSTGRES) as addresses:
        yield OperatorDatabase(settings, addresses.database_url, addresses.database_owner_url, secret)


def _secret(folder: Path) -> str:
    try:
        return (folder / "secret").read_text().strip()
    except FileNotFoundError as error:
        raise NoDatabase(
            f"{folder} is not a data folder that `neo serve` has used yet: run it first."
        ) from error
