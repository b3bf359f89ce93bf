"""How long `neo chat` goes on trying when the server is away."""

import time
from collections.abc import Callable

from neo.errors import Failure
from neo.kit import Backoff

RETRY_SECONDS_FIRST = 0.2
RETRY_SECONDS_MAX = 5.0
# A restart takes seconds and a full rate limit a minute: longer than both, and short enough to watch.
GIVE_UP_SECONDS = 90.0
# A shorter wait is not announced.
SAY_FROM_SECONDS = 1.0


class Retry:
    """Waits between attempts, and raises the last trouble once the server has been silent for too long."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._backoff = Backoff(first_seconds=RETRY_SECONDS_FIRST, most_seconds=RETRY_SECONDS_MAX)
        self.reset()

    def answered(self) -> None:
        """The server has sent something, be it a keep-alive only: it is there."""
        self._give_up_at = time.monotonic() + GIVE_UP_SECONDS

    def reset(self) -> None:
        """Something useful came: the next trouble is a new one."""
        self.answered()
        self._backoff.reset()
        self._has_said = False

    def wait(self, trouble: Failure, *, least_seconds: float = 0.0) -> None:
        seconds = max(self._backoff.next_seconds(), least_seconds, trouble.retry_after_seconds or 0)
        if time.monotonic() + seconds > self._give_up_at:
            raise trouble
        if seconds > SAY_FROM_SECONDS and not self._has_said:
            self._has_said = True
            self._say(f"{trouble.message} Trying again.")
        time.sleep(seconds)
