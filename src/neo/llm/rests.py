"""How often a process reads the answers that stream into it."""

from collections.abc import Iterator
from contextlib import contextmanager

# What a reading sets off, down to the readers' connections, takes a quarter of a millisecond: half of a processor.
READINGS_A_SECOND = 2_000
# Text that moves ten times a second still flows.
REST_SECONDS_MAX = 0.1


class Rests:
    """Between two readings of an answer lies the longer, the more answers there are: none costs another its turn."""

    def __init__(self) -> None:
        self._answers = 0

    @contextmanager
    def one_more(self) -> Iterator[None]:
        self._answers += 1
        try:
            yield
        finally:
            self._answers -= 1

    @property
    def seconds(self) -> float:
        return min(self._answers / READINGS_A_SECOND, REST_SECONDS_MAX)
