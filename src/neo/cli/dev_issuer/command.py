"""`neo dev-issuer`: an issuer of Entra-like tokens on this machine, to develop and test against."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

HOST = "127.0.0.1"
PORT = 8610
URL = f"http://{HOST}:{PORT}"

app = typer.Typer(
    no_args_is_help=True,
    help="Development only, never in production: an issuer that gives anyone on this machine a token like "
    "Microsoft Entra ID's, for whomever they name.",
)

DataOption = Annotated[Path, typer.Option("--data", help="Folder of its key, `dev-issuer.json`.")]


@app.command("serve")
def serve(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.", min=1, max=65535)] = PORT,
    data: DataOption = Path(".neo-dev-issuer"),
) -> None:
    """Serve metadata, keys and `POST /token` on 127.0.0.1. Development only, never in production.

    `POST /token` takes a form or JSON: tid, oid, name, email, roles, scope, audience, client_id, expires_in,
    acct (1: a guest).
    The settings that make Neo accept the tokens are printed first.
    """
    import uvicorn  # noqa: PLC0415 - imports of seconds stay out of `--help`.

    from neo.cli.dev_issuer.app import dev_issuer  # noqa: PLC0415
    from neo.cli.dev_issuer.tokens import read_key, settings_for  # noqa: PLC0415
    from neo.engines.ports import refuse_taken_port  # noqa: PLC0415

    refuse_taken_port(HOST, port)
    url = f"http://{HOST}:{port}"
    issuer = dev_issuer(read_key(data), url)
    typer.echo("Development issuer: anyone on this machine gets any token. Never in production.", err=True)
    for variable, value in settings_for(url).items():
        typer.echo(f"export {variable}={value}")
    uvicorn.run(issuer, host=HOST, port=port, log_level="warning", access_log=False)


@app.command("token")
def token(
    tid: Annotated[UUID, typer.Option(help="Id of the person's Microsoft tenant.")],
    oid: Annotated[UUID, typer.Option(help="The person's object id in it.")],
    name: Annotated[str | None, typer.Option(help="The person's name, for display.")] = None,
    email: Annotated[str | None, typer.Option(help="The person's address, for display.")] = None,
    role: Annotated[
        list[str] | None, typer.Option(help="An app role, e.g. `Admin`; may be repeated.")
    ] = None,
    scope: Annotated[str, typer.Option(help="Scopes (`scp`), separated by spaces.")] = "access_as_user",
    expires_in: Annotated[
        int, typer.Option(help="How long the token lives, seconds.", min=1, max=24 * 3600)
    ] = 3600,
    url: Annotated[str, typer.Option(help="Address of the issuer that the token names.")] = URL,
    data: DataOption = Path(".neo-dev-issuer"),
) -> None:
    """Print a token of a person. The issuer need not run, but Neo must reach it to check the token."""
    from neo.cli.dev_issuer.tokens import TokenRequest, claims, read_key, sign  # noqa: PLC0415

    wanted = TokenRequest(
        tid=tid, oid=oid, name=name, email=email, roles=role or [], scope=scope, expires_in=expires_in
    )
    typer.echo(sign(read_key(data), claims(wanted, url.rstrip("/"))))
