import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neo.cli.operator import DataOption, NoDatabase, OperatorDatabase, owning

if TYPE_CHECKING:
    from neo.vault import Batch, SecretKeyWrapping

app = typer.Typer(
    no_args_is_help=True,
    help="Tenants' secrets, which are stored sealed: rotate what they are sealed with. `neo doctor` says which value "
    "of NEO_SECRET_KEY they need.",
)
HOURS_DEFAULT = 24.0


@app.command("rotate")
def rotate(
    data: DataOption = None,
    *,
    data_keys: Annotated[
        bool,
        typer.Option(
            "--data-keys", help="Give each tenant a new data key too, and seal each secret anew with it."
        ),
    ] = False,
    older_than_hours: Annotated[
        float,
        typer.Option(
            min=0,
            help="With --data-keys: a data key that is younger stays, so that a rotation which was ended goes on where "
            "it was. 0 replaces all.",
        ),
    ] = HOURS_DEFAULT,
) -> None:
    """Wrap all data keys by the first value of NEO_SECRET_KEY, while servers run.

    To change NEO_SECRET_KEY: set `NEO_SECRET_KEY=new,old` everywhere and restart, run `neo secrets rotate`, and once
    `neo doctor` says that no secret needs the old value any more, set `NEO_SECRET_KEY=new`. API keys need the old
    value until they are replaced. If somebody may know a data key itself, add --data-keys.

    It works in small batches and can be ended at any moment: started again, it goes on. Done twice, it changes nothing.
    """
    renewed_after = timedelta(hours=older_than_hours) if data_keys else None
    if asyncio.run(_rotate(data, renewed_after)):
        raise typer.Exit(1)


async def _rotate(data: Path | None, renewed_after: timedelta | None) -> int:
    """How many rows could not be opened, and stay as they were."""
    from neo.kit import arm_failpoints  # noqa: PLC0415 - imports of seconds stay out of `--help`.
    from neo.vault import renew, rewrap  # noqa: PLC0415

    async with owning(data) as (here, database):
        arm_failpoints(here.settings.server.failpoints)
        wrapping = wrapping_of(here)
        unreadable = await _told("data keys wrapped anew", rewrap(database, wrapping))
        if renewed_after is not None:
            said = "secrets sealed anew"
            unreadable += await _told(said, renew(database, wrapping, renewed_after))
    return unreadable


async def _told(what: str, batches: "AsyncIterator[Batch]") -> int:
    done, unreadable = 0, 0
    async for batch in batches:
        done, unreadable = done + batch.done, unreadable + batch.unreadable
        if batch.done:
            typer.echo(f"{done} {what} ...")
    typer.echo(f"{done} {what}.")
    if unreadable:
        typer.echo(
            f"{unreadable} could not be opened (secret_unreadable) and stay: `neo doctor` says why.", err=True
        )
    return unreadable


def wrapping_of(here: OperatorDatabase) -> "SecretKeyWrapping":
    from neo.vault import SecretKeyWrapping  # noqa: PLC0415

    if here.secret_key is None:
        raise NoDatabase("NEO_SECRET_KEY is not set: data keys are wrapped by a key derived from it.")
    return SecretKeyWrapping(tuple(here.secret_key.split(",")))
