"""How hard a secret is to guess, estimated from its characters alone."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from math import log2

STRETCH = 3
# As words have it, and hexadecimal digits have not: letters of one case, and what stands between words.
OF_WORDS = re.compile(r"(?![a-f]{3}|[A-F]{3})([a-z ._,-]{3}|[A-Z ._,-]{3})")
CAPITAL = re.compile(r"[A-Z](?=[a-z]{2})")
# A letter of a text has one to two bits, a random one almost five.
SHARE_OF_WORDS = 0.35


def guessing_bits(secret: str) -> float:
    """About how many bits somebody must guess who knows how the secret is made; too few for what a person types.

    What repeats counts once, what looks like words counts less, and what counts up or down, as an alphabet or `1234`
    does, counts nothing. A random secret of 32 hexadecimal digits, the shortest that is usual, has about 110.
    """
    plain = CAPITAL.sub(lambda found: found[0].lower(), secret)
    stretches = {plain[start : start + STRETCH] for start in range(len(plain) - STRETCH + 1)}
    counted = sum(_share(one) for one in stretches if not _is_counted_up(one))
    steps = [ord(after) - ord(before) for before, after in pairwise(secret)]
    return min(_entropy(secret), _entropy(steps)) * counted


def _share(stretch: str) -> float:
    return SHARE_OF_WORDS if OF_WORDS.fullmatch(stretch) else 1


def _is_counted_up(stretch: str) -> bool:
    steps = {ord(after) - ord(before) for before, after in pairwise(stretch)}
    return len(steps) == 1 and steps < {-1, 0, 1}


def _entropy(found: Sequence[object]) -> float:
    counts = Counter(found).values()
    return sum(count / len(found) * log2(len(found) / count) for count in counts)
