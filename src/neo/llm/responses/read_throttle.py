"""Limits how often a process reads the answers that stream into it."""

from collections.abc import Iterator
from contextlib import contextmanager

# What one read causes, down to the readers' connections, takes a quarter of a millisecond. So reads take at most half
# of a processor.
READS_PER_SECOND = 2_000
# Text that moves ten times a second still looks fluent.
WAIT_SECONDS_MAX = 0.1


class ReadThrottle:
    """The more answers there are, the longer is the wait between two reads of each."""

    def __init__(self) -> None:
        self._answers = 0

    @contextmanager
    def one_more(self) -> Iterator[None]:
        self._answers += 1
        try:
            yield
        finally:
            self._answers -= 1

    def next_read_at(self, read_at: float) -> float:
        """When to read an answer again that was read at `read_at` of the event loop's clock."""
        return read_at + min(self._answers / READS_PER_SECOND, WAIT_SECONDS_MAX)
