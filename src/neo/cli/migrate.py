import asyncio
import sys

import typer

from neo.cli.operator import DataOption, NoDatabase, operator_database


def migrate(data: DataOption = None) -> None:
    """Bring the database's schema to this version, as its owner (NEO_DATABASE_OWNER_URL).

    `neo serve` does it by itself; run this before the first `neo api` and after an upgrade.
    """
    applied = asyncio.run(_migrate(data))
    typer.echo("The schema is up to date now." if applied else "Nothing to do.", file=sys.stderr)


async def _migrate(data: DataOption) -> bool:
    from sqlalchemy import make_url  # noqa: PLC0415 - imports of seconds stay out of `--help`.

    from neo.db.migrate import migrate as apply  # noqa: PLC0415

    async with operator_database(data) as here:
        role = make_url(here.database_url).username
        if here.owner_url is None or role is None:
            raise NoDatabase(
                "Set NEO_DATABASE_OWNER_URL, and a user name in NEO_DATABASE_URL: both are needed here."
            )
        return await apply(here.owner_url, role)
