"""How often a process reads the answers that stream into it."""

from collections.abc import Iterator
from contextlib import contextmanager

# What a reading sets off, down to the readers' connections, takes a quarter of a millisecond: half of a processor.
READINGS_A_SECOND = 2_000
# Text that moves ten times a second still flows.
REST_SECONDS_MAX = 0.1
# Answers that rest for longer than this are read in the same moments, so far apart. What they set off goes on in few
# exchanges with Valkey and few turns of the loop: a tenth of all that many streams cost.
TOGETHER_SECONDS = 0.02


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

    def over_at(self, read_at: float) -> float:
        """When an answer that was read at this moment of the loop's clock is to be read again."""
        seconds = min(self._answers / READINGS_A_SECOND, REST_SECONDS_MAX)
        if seconds <= TOGETHER_SECONDS:
            return read_at + seconds
        return round((read_at + seconds) / TOGETHER_SECONDS) * TOGETHER_SECONDS
