import json
import os
from typing import Annotated

import typer


def settings(
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="One line of JSON a setting instead of words.")
    ] = False,
) -> None:
    """List every setting: its variable, default, and what it is for. Each is read from the environment."""
    from neo.settings import default_of, described, file_variable, refuse_unknown  # noqa: PLC0415 - imports of seconds stay out of `--help`.

    group = None
    for owner, variable, field in described():
        if as_json:
            row = {"variable": variable, "default": default_of(field), "description": field.description}
            typer.echo(json.dumps(row | {"file_variable": file_variable(variable, field)}))
            continue
        if owner is not group:
            group = owner
            typer.echo(f"\n{owner.__doc__}")
        as_file = f" (or {of_file}, a file)" if (of_file := file_variable(variable, field)) else ""
        typer.echo(f"  {variable}={default_of(field)}{as_file}\n      {field.description}")
    refuse_unknown(os.environ)
