import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neo.cli.doctor.findings import Finding, State
from neo.cli.models.discovery import discover_servers
from neo.cli.models.proposed import name_for, table
from neo.cli.operator import JsonOption

if TYPE_CHECKING:
    from neo.cli.models.trial import Trial
    from neo.llm import ModelEntry, Models, OfferedModel
    from neo.settings import ModelSettings

PROGRESS_SECONDS = 1.0

app = typer.Typer(no_args_is_help=True, help="Models: list them, try them, find those on this machine.")

NameArgument = Annotated[
    str | None, typer.Argument(help="A name of the list, or provider:name. Without it: all that are listed.")
]
AtOption = Annotated[
    list[str] | None,
    typer.Option("--at", help="Look at this address, e.g. http://gpu:8000; may be repeated."),
]
KeyOption = Annotated[
    str | None, typer.Option("--key", help="The servers' key by reference: env:NAME or file:/path.")
]


@app.command("list")
def list_models(*, as_json: JsonOption = False) -> None:
    """List the models that tiers and agents may name."""
    from neo.resources import open_models  # noqa: PLC0415 - imports of seconds stay out of `--help`.
    from neo.settings import read_settings  # noqa: PLC0415

    for model in open_models(read_settings().models).list.offered():
        row = _row(model)
        typer.echo(json.dumps(row) if as_json else _line(row))


@app.command("check")
def check(name: NameArgument = None, *, as_json: JsonOption = False) -> None:
    """Call a model: a short answer, a tool, an image. Prints what it does, what its server says of it, and the lines of
    NEO_MODELS_FILE that fit it. It costs a few hundred tokens. Exit code 1 when a model does not answer.
    """
    is_well = asyncio.run(_check(name, as_json=as_json))
    raise typer.Exit(0 if is_well else 1)


@app.command("discover")
def discover(at: AtOption = None, key: KeyOption = None, *, as_json: JsonOption = False) -> None:
    """Look for Ollama, LM Studio, llama.cpp and vLLM on this machine, and print lines for NEO_MODELS_FILE."""
    asyncio.run(discover_servers(at, key, as_json=as_json))


async def _check(name: str | None, *, as_json: bool) -> bool:
    is_well = True
    async with _models() as (models, settings):
        for entry in [models.list.find(name)] if name else models.list.entries:
            trial = _trial(entry, models, settings)
            rows = await _run(trial, as_json=as_json)
            answers = not any(row["state"] == State.PROBLEM for row in rows)
            is_well = is_well and answers
            # Nothing is known of a model that does not answer.
            lines = table(_listed_name(entry), trial.proposed()) if answers else None
            if as_json:
                typer.echo(json.dumps({"name": entry.name, "checks": rows, "lines": lines}))
            else:
                typer.echo(f"\n{lines}\n" if lines else "")
    return is_well


async def _run(trial: "Trial", *, as_json: bool) -> list[dict[str, Any]]:
    entry, rows = trial.entry, []
    where = f"{entry.name}: {entry.model} at {entry.address.base_url}, {entry.dialect}"
    typer.echo(f"{where}. {trial.waits()}", err=as_json)
    async for finding in _with_progress(trial.run(), entry.name):
        rows.append(finding.row())
        if not as_json:
            typer.echo(finding.line())
    return rows


async def _with_progress(findings: AsyncGenerator[Finding, None], name: str) -> AsyncIterator[Finding]:
    """The same findings. What is waited for longer than a second is said: a call may take its model a minute."""
    async with aclosing(findings):
        while True:
            step = asyncio.ensure_future(anext(findings, None))
            done, _ = await asyncio.wait({step}, timeout=PROGRESS_SECONDS)
            if not done:
                typer.echo(f"waiting for {name} ...", err=True)
            if (finding := await step) is None:
                return
            yield finding


def _trial(entry: "ModelEntry", models: "Models", settings: "ModelSettings") -> "Trial":
    from neo.cli.models.trial import Trial  # noqa: PLC0415
    from neo.resources import provider_settings  # noqa: PLC0415

    return Trial(entry, _said(entry, settings), models, provider_settings(settings))


def _said(entry: "ModelEntry", settings: "ModelSettings") -> Mapping[str, Any]:
    from neo.llm import read_models_file  # noqa: PLC0415

    if settings.models_file is not None:
        listed = read_models_file(settings.models_file).entries.get(entry.name)
        if listed is not None:
            return listed.said
    return {"provider": entry.provider, "model": entry.model}


def _listed_name(entry: "ModelEntry") -> str:
    return name_for(entry.model) if ":" in entry.name else entry.name


@asynccontextmanager
async def _models() -> AsyncIterator[tuple["Models", "ModelSettings"]]:
    from neo.resources import open_models  # noqa: PLC0415
    from neo.settings import read_settings  # noqa: PLC0415

    settings = read_settings().models
    models = open_models(settings)
    try:
        yield models, settings
    finally:
        await models.aclose()


def _row(model: "OfferedModel") -> dict[str, Any]:
    return {
        "name": model.name,
        "tiers": list(model.tiers),
        "dialect": model.dialect,
        "context_tokens": model.context_tokens,
        "answer_tokens": model.answer_tokens,
        "sees_images": model.sees_images,
        "reasons": model.reasons,
        "takes_tools": model.takes_tools,
    }


def _line(row: dict[str, Any]) -> str:
    does = [word for word in ("sees_images", "reasons", "takes_tools") if row[word]]
    window = f"{row['context_tokens']:,} tokens, {row['answer_tokens']:,} of them for an answer"
    tiers = f"{' and '.join(row['tiers'])}  " if row["tiers"] else ""
    return f"{row['name']}  {tiers}{row['dialect']}  {window}  {' '.join(does)}".rstrip()
