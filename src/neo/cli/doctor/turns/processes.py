"""Whether anybody runs turns, and how long the turn that waits longest could have been begun."""

from typing import TYPE_CHECKING

from neo.cli.doctor.findings import Finding, fine, problem, skipped, warning

if TYPE_CHECKING:
    from neo.db import Database

NAME = "turn processes"
# A turn that is claimable is begun within a second while there is room for it.
WAIT_SECONDS_MAX = 10.0


async def check_processes(database: "Database", *, is_served: bool) -> list[Finding]:
    from neo.turns.processes import SEEN_WITHIN, read_turn_processes  # noqa: PLC0415 - not needed for `--help`.

    found = await read_turn_processes(database)
    waits = f"the turn that waits longest has been claimable for {found.oldest_seconds:.1f} s"
    if not found.count:
        if not is_served:
            return [skipped(NAME, "Turns run with the server, which is not running.")]
        seen = f"No process that runs turns was seen in the last {SEEN_WITHIN.total_seconds():.0f} s"
        return [problem(NAME, f"{seen}; {waits}.", "start `neo worker`, or `neo serve`")]
    said = f"Processes that run turns: {found.count}, with {found.places} places"
    if found.oldest_seconds > WAIT_SECONDS_MAX:
        return [warning(NAME, f"{said}; {waits}.", "start another `neo worker` if all places are taken")]
    return [fine(NAME, f"{said}.")]
