"""Named points in the code where a test may have a process die, wait or break (NEO_FAILPOINTS).

A file `<folder>/<point>` arms a point for whichever process reaches it next, once: that process renames the file to
`<point>.taken` and does what it says. `exit` ends the process as `kill -9` would, `wait` waits until the taken file is
removed, `raise` raises.
"""

import asyncio
import os
from pathlib import Path

# The exit code that a shell reports for a process killed by SIGKILL.
KILLED = 137
LOOK_SECONDS = 0.01

# Read on hot paths, which pay for one comparison only.
_folder: Path | None = None


class FailpointReached(Exception):
    """What `raise` raises: nothing in the code knows it."""


def arm_failpoints(folder: str | None) -> None:
    """Let the points of this process be armed by files in this folder."""
    global _folder  # noqa: PLW0603 - set once at the start of a process.
    _folder = Path(folder) if folder else None


async def reached(point: str) -> None:
    """Go on at once, unless a test has armed this point."""
    if _folder is not None:
        await _do_as_told(_folder / point)


async def _do_as_told(armed: Path) -> None:
    taken = armed.with_suffix(".taken")
    if not _is_taken(armed, taken):
        return
    action = taken.read_text().strip()
    if action == "exit":
        os._exit(KILLED)
    if action == "raise":
        raise FailpointReached(armed.name)
    # A file can be removed from outside of this process; an event cannot be set.
    while taken.exists():  # noqa: ASYNC110
        await asyncio.sleep(LOOK_SECONDS)


def _is_taken(armed: Path, taken: Path) -> bool:
    """Whether this process may act: only one of them can rename the file."""
    try:
        armed.rename(taken)
    except FileNotFoundError:
        return False
    return True
