"""A probe in the cage tries everything, as root and as a user without rights; outside, the same tries succeed."""

from collections.abc import AsyncIterator

import pytest

from cage.probe import TRIES
from cage.world import Said, needs_root, world
from neo.cage import LAYERS, MINIMUM

pytestmark = needs_root

WITHOUT_FILTER = [layer for layer in LAYERS if layer != "system call filter"]
# What nobody but root can do outside of a cage either, or what lies in a folder of root's.
ROOTS = {
    "read the interpreter's library",
    "signal its parent",
    "make a network namespace",
    "become root",
    "change root",
    "mount",
    "load a program into the kernel",
    "count the machine's events",
    "handle page faults",
}
# What only the filter of system calls stands against: it harms nobody else. That everybody was signalled is what
# the kernel answers even if it was allowed for none.
FILTERED = {
    "signal everybody",
    "map memory to be executed",
    "be open to others again",
    "sleep",
    "add a key to the kernel's ring",
    "change its personality",
}
# The same user's processes: a cage without a filter cannot be kept from these.
SAME_USERS = {"change the server's limits", "change the server's priority"}
USERS = pytest.mark.parametrize("user", ["root", "nobody"])
EACH_TRY = pytest.mark.parametrize("attempt", TRIES)


class Probed:
    """Each probe runs once, and makes all of its tries."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], Said] = {}

    async def said(self, user: str, where: str) -> Said:
        layers = {"outside": None, "caged": LAYERS, "without filter": WITHOUT_FILTER, "minimum": MINIMUM}[
            where
        ]
        if (user, where) not in self._said:
            with world(is_nobodys=user == "nobody") as found:
                self._said[user, where] = await found.probed(layers)
        return self._said[user, where]


@pytest.fixture(scope="module")
async def probed() -> AsyncIterator[Probed]:
    yield Probed()


@USERS
@EACH_TRY
async def test_outside_of_a_cage_it_succeeds(probed: Probed, user: str, attempt: str) -> None:
    said = (await probed.said(user, "outside"))[attempt]

    assert not said or (user == "nobody" and attempt in ROOTS), said


@pytest.mark.parametrize("where", ["caged", "minimum"])
@USERS
@EACH_TRY
async def test_in_the_cage_it_fails(probed: Probed, user: str, attempt: str, where: str) -> None:
    assert (await probed.said(user, where))[attempt]


@USERS
@EACH_TRY
async def test_without_its_filter_the_other_layers_hold(probed: Probed, user: str, attempt: str) -> None:
    said = (await probed.said(user, "without filter"))[attempt]

    assert said or attempt in FILTERED or (user == "nobody" and attempt in SAME_USERS)
