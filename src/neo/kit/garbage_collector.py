"""How often garbage is looked for: with Python's own numbers it took an eighth of a full process, and found little."""

import gc

# So many objects more than before have the collector look through the newest; five such looks have it look through the
# newer, and two of those through all. More rarely, and 2,000 tails that open leave 3 KiB of garbage each.
NEWEST, NEWER, ALL = 10_000, 5, 2
# Next to nothing of what is loaded is garbage: two looks at a start, not three hundred.
NEWEST_AT_START = 100_000


def collect_seldom() -> None:
    """Have the collector look seldom, until `freeze_loaded`."""
    gc.set_threshold(NEWEST_AT_START)


def freeze_loaded() -> None:
    """Have the collector leave out what there is by now: modules, routes, models.

    That is hundreds of thousands of objects which stay. To look through them holds up every answer for a quarter
    of a second, and thousands of tails that open at once would have it done again and again.
    """
    gc.freeze()
    gc.set_threshold(NEWEST, NEWER, ALL)
