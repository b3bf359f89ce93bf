"""How tests are shared out among processes: what takes longest first, and what shares engines to one process."""

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped, unused-ignore]

# By how long they take. The rest takes a moment each, and fills the processes up evenly.
LONG = (
    *("faults", "journeys", "attachments", "engines", "cli", "vault", "access", "llm", "contract"),
    *("calls", "connections", "executions", "cage", "channels", "turns", "tails"),
    *("db", "events", "companies", "chat", "sdk"),
)
# Their files need the server that each process has anyway, or one of their own.
BY_FILE = ("journeys", "engines", "cli", "contract")
# They share an emulator with the folder that is named, or a server that they break, kill and stop.
WITH = {
    "blobs": "attachments",
    **{f"tests/journeys/test_{name}.py": "own server" for name in ("broken_server", "crash", "traces")},
}


class SharedOut(LoadScopeScheduling):  # type: ignore[misc, unused-ignore]
    """A folder's tests share what its fixtures start. Two stacks of the fault tests would besides spoil the times that
    both promise.

    The plugin's `loadgroup` could do the same, and does nothing with pytest 9.2 (pytest-xdist issue 1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        file, folder = nodeid.partition("::")[0], _folder(nodeid)
        alone = file if folder in BY_FILE else folder
        return WITH.get(alone, alone)


def longest_first(items: list[pytest.Item]) -> None:
    """Keeps the order that they have, but for that."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    folder = _folder(item.nodeid)
    return LONG.index(folder) if folder in LONG else len(LONG)


def _folder(nodeid: str) -> str:
    """Of `tests/access/keys/test_keys.py`: access."""
    return nodeid.split("/")[1]
