"""`neo models discover`: the lines for the servers that answer, and which do not."""

import asyncio
import json
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import typer

from neo.cli.models.proposed import name_for, table
from neo.errors import Edge, Failure, Kind

if TYPE_CHECKING:
    from neo.llm.trial.discover import Found, NotFound
    from neo.llm.trial.told import Told

NO_WINDOW = (
    "# It cuts what is longer than the window that it runs the model with: say that window as context_tokens."
)


class NoModelServer(Failure):
    """No server of models answers where `neo models discover` looked."""

    kind = Kind.UNAVAILABLE
    code = "no_model_server"
    remedy = "Start one, or say with `--at` where it is, and with `--key` its key."
    edges = (Edge.COMMAND_LINE,)


async def discover_servers(at: list[str] | None, key: str | None, *, as_json: bool) -> None:
    from neo.llm.trial.discover import LIKELY, Found, NotFound, discovered  # noqa: PLC0415 - imports of seconds.

    api_key = _fetched(key) if key else ""
    addresses = at or list(LIKELY)
    typer.echo(f"Looking at {', '.join(addresses)} ...", err=True)
    looked = await asyncio.gather(*(discovered(address, api_key) for address in addresses))
    missing = [_sentence(one) for one in looked if isinstance(one, NotFound)]
    found = [one for one in looked if isinstance(one, Found)]
    _print(found, key, as_json=as_json)
    if not found:
        raise NoModelServer(" ".join(missing))
    # Where nobody has named an address, most of them are not in use.
    for sentence in missing if at else ():
        typer.echo(sentence, err=True)


def _print(found: Sequence["Found"], key: str | None, *, as_json: bool) -> None:
    taken: set[str] = set()
    for server in found:
        if not as_json:
            typer.echo(f"# {server.server} at {server.url}")
        for model, said in server.models:
            keys = {
                "dialect": "chat_completions",
                "url": server.url,
                "key": key,
                "model": model,
                **said.keys(),
            }
            lines = "\n".join((table(_free_name(model, taken), keys), *_remarks(said)))
            row = {"server": server.server, "url": server.url, "model": model, "lines": lines}
            typer.echo(json.dumps(row) if as_json else f"{lines}\n")


def _free_name(model: str, taken: set[str]) -> str:
    """The file refuses two models of one name, whatever their case."""
    name, number = name_for(model), 1
    while (found := name if number == 1 else f"{name[:60]}-{number}").lower() in taken:
        number += 1
    taken.add(found.lower())
    return found


def _remarks(said: "Told") -> Iterator[str]:
    if said.server == "Ollama" and said.context_tokens is None:
        yield NO_WINDOW


def _sentence(missing: "NotFound") -> str:
    if missing.asks_for_key:
        return f"The server at {missing.url} asks for a key, or for another one: give it with --key env:NAME."
    return f"No server of models answers at {missing.url}."


def _fetched(reference: str) -> str:
    from neo.llm.model_list.references import FORM, KeyMissingError, fetched, is_reference  # noqa: PLC0415

    if not is_reference(reference):
        raise typer.BadParameter(f"it must be {FORM}.", param_hint="--key")
    try:
        return fetched(reference, os.environ)
    except KeyMissingError as error:
        raise typer.BadParameter(f"{error}.", param_hint="--key") from error
