"""How long to wait before the next attempt."""

import random


class Backoff:
    """Doubling waits with jitter, so that many clients of a store that comes back do not come at once."""

    def __init__(self, *, first_seconds: float, most_seconds: float) -> None:
        self._first_seconds = first_seconds
        self._most_seconds = most_seconds
        self._next_seconds = first_seconds

    def next_seconds(self) -> float:
        seconds = self._next_seconds
        self._next_seconds = min(seconds * 2, self._most_seconds)
        return seconds * random.uniform(0.5, 1.0)  # noqa: S311  (jitter, not a secret)

    def reset(self) -> None:
        self._next_seconds = self._first_seconds
