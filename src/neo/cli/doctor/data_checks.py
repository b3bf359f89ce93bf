"""Runs the checks of the data in order, and each one's repair when `--repair` was given."""

from collections.abc import AsyncIterator, Awaitable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neo.cli.doctor.findings import Finding, State, checked

if TYPE_CHECKING:
    from neo.cli.doctor.repair import Repair, Repairer
    from neo.db import Database
    from neo.settings import Settings

BROKEN = (State.PROBLEM, State.WARNING)


@dataclass(frozen=True)
class Repairs:
    """The options of `neo doctor`: whether to repair, and whether to ask first."""

    wanted: bool
    asks: bool

    @classmethod
    def of(cls, *, repair: bool, yes: bool) -> "Repairs":
        return cls(wanted=repair, asks=not yes)

    async def examine(self, settings: "Settings", owner: "Database") -> AsyncIterator[Finding]:
        from neo.cli.doctor import leftovers  # noqa: PLC0415 - imports of seconds stay out of `--help`.
        from neo.cli.doctor.context import RepairContext  # noqa: PLC0415
        from neo.cli.doctor.repair import Repairer  # noqa: PLC0415
        from neo.cli.doctor.tenants.bots import BOTS, check_bots  # noqa: PLC0415
        from neo.cli.doctor.turns.ended_turns import ENDED_TURNS  # noqa: PLC0415
        from neo.cli.doctor.turns.invariant import check_invariant  # noqa: PLC0415
        from neo.cli.doctor.turns.open_turns import OPEN_TURNS  # noqa: PLC0415

        context = RepairContext(settings, owner)
        repairer = Repairer(context, self.asks) if self.wanted else None
        try:
            for invariant in (*OPEN_TURNS, *ENDED_TURNS):
                check = check_invariant(owner, invariant)
                async for finding in _with_repair(
                    invariant.name, check, invariant.repair, repairer, invariant.broken
                ):
                    yield finding
            uploads = leftovers.check_uploads(owner, settings.blobs.upload_hours)
            async for finding in _with_repair(leftovers.UPLOADS, uploads, leftovers.REMOVE_UPLOADS, repairer):
                yield finding
            databases = leftovers.check_databases()
            async for finding in _with_repair(
                leftovers.DATABASES, databases, leftovers.REMOVE_DATABASES, repairer
            ):
                yield finding
            for finding in await checked(BOTS, check_bots(owner)):
                yield finding
        finally:
            await context.aclose()


def left_problems(found: Iterable[Finding]) -> list[Finding]:
    """The problems that no repair has solved: each check's last finding counts."""
    last = {finding.name: finding for finding in found}
    return [finding for finding in last.values() if finding.state is State.PROBLEM]


async def _with_repair(
    name: str,
    check: Awaitable[list[Finding]],
    repair: "Repair | None",
    repairer: "Repairer | None",
    broken: str = "",
) -> AsyncIterator[Finding]:
    found = await checked(name, check)
    for finding in found:
        yield finding
    if repairer is not None and repair is not None and any(finding.state in BROKEN for finding in found):
        for finding in await repairer.repair(name, repair, broken):
            yield finding
