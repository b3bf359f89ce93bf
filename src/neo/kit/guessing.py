"""How hard a secret is to guess, estimated from its characters alone."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from math import log2

STRETCH = 3


def guessing_bits(secret: str) -> float:
    """About how many bits somebody must guess who knows how the secret is made; too few for what a person types.

    What repeats counts once, and what goes on in even steps, as an alphabet does, counts nothing. A random secret of 32
    hexadecimal digits, the shortest that is usual, has about 110.
    """
    stretches = {secret[start : start + STRETCH] for start in range(len(secret) - STRETCH + 1)}
    steps = [ord(after) - ord(before) for before, after in pairwise(secret)]
    return min(_entropy(secret), _entropy(steps)) * len(stretches)


def _entropy(found: Sequence[object]) -> float:
    counts = Counter(found).values()
    return sum(count / len(found) * log2(len(found) / count) for count in counts)
