"""How tests are shared out among processes: what takes longest first, and each file's to one process."""

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped, unused-ignore]

# Seconds of waiting in few tests. The others take a moment each, and fill the processes up evenly.
LONG = ("tests/faults/", "tests/journeys/", "tests/cli/", "tests/engines/")
# One process for all of them: they share a stack, and promise times that a second stack beside it would spoil.
TOGETHER = LONG[0]


class SharedOut(LoadScopeScheduling):  # type: ignore[misc, unused-ignore]
    """The plugin's `loadgroup` could do the same, and does nothing with pytest 9.2 (pytest-xdist issue 1386)."""

    def _split_scope(self, nodeid: str) -> str:
        return TOGETHER if nodeid.startswith(TOGETHER) else nodeid.partition("::")[0]


def longest_first(items: list[pytest.Item]) -> None:
    """Keeps the order that they have, but for that."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    return next((rank for rank, part in enumerate(LONG) if item.nodeid.startswith(part)), len(LONG))
