"""How many calls a tenant makes to the outside in a minute.

It is counted here, for the library `limits` knows windows only: whoever has used theirs up would wait for most of a
minute, and its memory is bounded by no number of tenants.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from neo.egress.errors import EgressRateLimited

MINUTE = 60.0
# Whoever has been quiet the longest is forgotten, and begins with a full minute again.
TENANTS_MAX = 10_000


@dataclass(slots=True)
class _Left:
    calls: float
    at: float


class Rate:
    """A tenant's calls refill evenly over the minute, up to `calls_a_minute`."""

    def __init__(self, calls_a_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._max = calls_a_minute
        self._clock = clock
        self._tenants: OrderedDict[str, _Left] = OrderedDict()

    def take(self, tenant: str) -> None:
        """Count one call; raises `EgressRateLimited` where none is left."""
        now, left = self._clock(), self._left(tenant)
        left.calls = min(self._max, left.calls + (now - left.at) * self._max / MINUTE)
        left.at = now
        if left.calls < 1:
            wait = math.ceil((1 - left.calls) * MINUTE / self._max)
            raise EgressRateLimited("Too many calls to the outside in a minute.", retry_after_seconds=wait)
        left.calls -= 1

    def _left(self, tenant: str) -> _Left:
        left = self._tenants.setdefault(tenant, _Left(self._max, self._clock()))
        self._tenants.move_to_end(tenant)
        if len(self._tenants) > TENANTS_MAX:
            self._tenants.popitem(last=False)
        return left
