"""Stops calls to a provider that is down: they would only wait, and delay its recovery."""

import math
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

import structlog

from neo.llm.deltas import Delta
from neo.llm.errors import ProviderTimeout, ProviderUnavailable
from neo.telemetry import turn_metrics

log = structlog.get_logger()

# Longer than most restarts of a gateway. Each failed trial call doubles it.
OPEN_FIRST_SECONDS = 5.0
OPEN_MOST_SECONDS = 60.0


@dataclass
class Breaker:
    """The circuit breaker of one provider in one region.

    It opens after `failures_max` failures in a row; then one trial call at a time is allowed. Only what a provider
    that is down causes is a failure: no connection, a 5xx, a timeout. With 0 it never opens.
    """

    name: str
    failures_max: int
    clock: Callable[[], float] = time.monotonic
    _failures: int = 0
    _open_seconds: float = OPEN_FIRST_SECONDS
    _open_until: float = field(default=0.0)
    _is_trying: bool = False

    @property
    def is_open(self) -> bool:
        return bool(self.failures_max) and self._failures >= self.failures_max

    async def guard(self, deltas: AsyncGenerator[Delta, None]) -> AsyncGenerator[Delta, None]:
        """Yields the same deltas, if a call may be made now; otherwise raises `ProviderUnavailable`."""
        async with aclosing(deltas):
            is_trial = self._admit()
            try:
                async for delta in deltas:
                    if self._failures:
                        self._recover()
                    yield delta
            except (ProviderUnavailable, ProviderTimeout):
                self._fail()
                raise
            finally:
                if is_trial:
                    self._is_trying = False

    def _admit(self) -> bool:
        """Whether this call is the trial call of an open breaker. Raises for any other while it is open."""
        if not self.is_open:
            return False
        wait_seconds = self._open_until - self.clock()
        if wait_seconds > 0 or self._is_trying:
            raise ProviderUnavailable(retry_after_seconds=max(1, math.ceil(wait_seconds)))
        self._is_trying = True
        return True

    def _fail(self) -> None:
        was_open = self.is_open
        self._failures += 1
        if self.is_open:
            if was_open:
                self._open_seconds = min(OPEN_MOST_SECONDS, self._open_seconds * 2)
            self._open_until = self.clock() + self._open_seconds
            turn_metrics.breaker_is(self.name, is_open=True)
            log.warning("provider_breaker_open", provider=self.name, seconds=self._open_seconds)

    def _recover(self) -> None:
        if self.is_open:
            turn_metrics.breaker_is(self.name, is_open=False)
            log.info("provider_breaker_closed", provider=self.name)
        self._failures, self._open_seconds = 0, OPEN_FIRST_SECONDS
