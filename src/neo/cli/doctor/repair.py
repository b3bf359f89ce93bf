"""`neo doctor --repair`: repairs what the checks found, one kind at a time, after a question."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import typer

from neo.cli.doctor.context import RepairContext
from neo.cli.doctor.findings import Finding, problem, repaired
from neo.errors import Failure


@dataclass(frozen=True)
class Repair:
    """`does` completes the question "Repair ...?"; `run` takes the query of what is broken and says what was done."""

    does: str
    run: Callable[[RepairContext, str], Awaitable[str]]


@dataclass(frozen=True)
class Repairer:
    """Repairs what a check has found, and nothing else."""

    context: RepairContext
    asks: bool

    async def repair(self, name: str, repair: Repair, broken: str) -> list[Finding]:
        """What was done, or why it failed; nothing when the operator answers no."""
        if self.asks and not typer.confirm(f"Repair `{name}`: {repair.does}?", err=True):
            return []
        from neo.telemetry import configure_logs  # noqa: PLC0415 - imports of seconds stay out of `--help`.

        # Log lines of the turns' code go to stderr, and errors only.
        configure_logs(log_format="console", level="error")
        try:
            return [repaired(name, await repair.run(self.context, broken))]
        except Failure as failure:
            return [problem(name, f"It could not be repaired. {failure.message}")]
