"""Stops calls to a connection whose server is down: they would only wait, and delay its recovery."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

FAILURES_MAX = 5
WINDOW_SECONDS = 60.0
OPEN_SECONDS = 30.0
# Whoever has been quiet the longest is forgotten, and begins closed.
CONNECTIONS_MAX = 10_000


@dataclass
class Breaker:
    """It opens after some failures within a window; then one trial call at a time is allowed, after a while."""

    clock: Callable[[], float] = time.monotonic
    _failures: "deque[float]" = field(default_factory=lambda: deque(maxlen=FAILURES_MAX))
    _open_until: float | None = None
    _is_trying: bool = False

    def wait_seconds(self) -> float:
        """How long no call may be made; 0 if this one may, which then ends with `succeeded`, `failed` or `left`."""
        if self._open_until is None:
            return 0.0
        wait = self._open_until - self.clock()
        if wait > 0 or self._is_trying:
            return max(1.0, wait)
        self._is_trying = True
        return 0.0

    def succeeded(self) -> None:
        self._failures.clear()
        self._open_until, self._is_trying = None, False

    def failed(self) -> None:
        now, was_trial = self.clock(), self._is_trying
        self._failures.append(now)
        self._is_trying = False
        is_full = len(self._failures) == FAILURES_MAX and now - self._failures[0] <= WINDOW_SECONDS
        if was_trial or is_full:
            self._open_until = now + OPEN_SECONDS

    def left(self) -> None:
        """The call has ended without telling whether the server is up."""
        self._is_trying = False


class Breakers:
    """One for each connection, for as long as the process lives."""

    def __init__(self) -> None:
        self._breakers: OrderedDict[tuple[str, str], Breaker] = OrderedDict()

    def of(self, tenant: str, connection: str) -> Breaker:
        breaker = self._breakers.setdefault((tenant, connection), Breaker())
        self._breakers.move_to_end((tenant, connection))
        if len(self._breakers) > CONNECTIONS_MAX:
            self._breakers.popitem(last=False)
        return breaker
