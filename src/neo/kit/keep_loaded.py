import gc


def keep_loaded() -> None:
    """Have the collector of garbage leave out what there is by now: modules, routes, models.

    That is hundreds of thousands of objects which stay. To look through them holds up every answer for a quarter
    of a second, and thousands of tails that open at once would have it done again and again.
    """
    gc.freeze()
