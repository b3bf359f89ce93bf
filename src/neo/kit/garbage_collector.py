"""How often Python's garbage collector runs: its defaults cost an eighth of a busy process and freed little."""

import gc

# The collector's three thresholds: objects allocated until it scans the youngest generation, scans of that one until
# it scans the middle one, and so on. With higher ones, 2,000 tails that open leave 3 KiB of garbage each.
NEWEST, NEWER, ALL = 10_000, 5, 2
# Hardly anything that imports allocate is garbage: a start runs two collections instead of three hundred.
NEWEST_AT_START = 100_000


def collect_seldom() -> None:
    """Run the collector seldom while modules are imported, until `freeze_loaded`."""
    gc.set_threshold(NEWEST_AT_START)


def freeze_loaded() -> None:
    """Take everything that exists by now (modules, routes, models) out of what the collector scans.

    These are hundreds of thousands of objects that live as long as the process. Scanning them delays every answer by a
     quarter of a second, and thousands of tails that open at once would cause one scan after another.
    """
    gc.freeze()
    gc.set_threshold(NEWEST, NEWER, ALL)
