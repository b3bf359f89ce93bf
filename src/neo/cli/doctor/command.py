import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import typer

from neo.cli.doctor.data_checks import Repairs, left_problems
from neo.cli.doctor.examination import Examination
from neo.cli.doctor.findings import Finding, checked, fine, problem
from neo.cli.doctor.machine.cage import NAME as CAGE
from neo.cli.doctor.machine.cage import check_cage
from neo.cli.operator import DataOption, JsonOption
from neo.errors import Failure

RepairOption = Annotated[
    bool, typer.Option("--repair", help="Put right what can be put right, after a question for each kind.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="With --repair: ask nothing.")]


def doctor(
    data: DataOption = None,
    *,
    repair: RepairOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Check every engine and what must be true of the data, one line each; exit code 1 when any is wrong.

    A server may run on the data folder; when none does, what the folder alone can tell is checked. With --repair,
    turns that could go on do, turns that were to stop are ended, counts and times that disagree are put right, and
    what nobody needs any more is removed; what a check has not named is not touched.
    """
    if as_json and repair and not yes:
        raise typer.BadParameter("--json cannot ask: add --yes.")
    found = asyncio.run(_report(data, as_json=as_json, repairs=Repairs.of(repair=repair, yes=yes)))
    is_well = not left_problems(found)
    if as_json:
        typer.echo(json.dumps({"ok": is_well, "checks": [finding.row() for finding in found]}))
    sys.stdout.flush()
    # A Temporal client's threads can abort the interpreter at its exit (sdk-python issue 300).
    os._exit(0 if is_well else 1)


async def _report(data: Path | None, *, as_json: bool, repairs: Repairs) -> list[Finding]:
    found = []
    async for finding in _examine(data, repairs):
        found.append(finding)
        if not as_json:
            typer.echo(finding.line())
    return found


async def _examine(data: Path | None, repairs: Repairs) -> AsyncIterator[Finding]:
    from neo.cage import Cage  # noqa: PLC0415
    from neo.engines.choose import choose_engines  # noqa: PLC0415 - imports of a second stay out of `--help`.
    from neo.settings import read_settings, with_secrets  # noqa: PLC0415

    try:
        settings, here = read_settings(), choose_engines(with_secrets(os.environ))
    except Failure as failure:
        yield problem("settings", failure.message)
        return
    yield fine("settings", "They are readable.")
    for finding in await checked(CAGE, check_cage(Cage(), is_strict=settings.server.is_strict)):
        yield finding
    folder = data or Path(settings.server.data_dir)
    examination = Examination(folder, frozenset(map(str, here)), repairs)
    async for finding in examination.run():
        yield finding
