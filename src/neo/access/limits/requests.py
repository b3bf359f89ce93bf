"""Each tenant's requests in a sliding minute, counted in Valkey, or by each process alone while Valkey is away."""

import math
import time
from dataclasses import dataclass
from uuid import UUID

import structlog
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from neo.access.limits.window import SharedWindow
from neo.errors import Failure, Kind
from neo.streams import StreamsUnavailable, Valkey
from neo.telemetry import process_metrics

log = structlog.get_logger()

# While Valkey is away, one request in this long asks whether it is back.
BREAKER_SECONDS = 5.0
ANSWER_SECONDS = 0.5


class RateLimited(Failure):
    """The tenant has used up its requests of this minute."""

    kind = Kind.RATE_LIMITED
    code = "rate_limited"
    remedy = "Wait for `Retry-After` seconds."


@dataclass(frozen=True)
class Allowance:
    """What is left to a tenant; at `reset_epoch_seconds` the oldest request leaves the window."""

    limit: int
    remaining: int
    reset_epoch_seconds: int
    is_exceeded: bool

    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_epoch_seconds),
        }

    def refusal(self) -> RateLimited:
        wait_seconds = max(1, math.ceil(self.reset_epoch_seconds - time.time()))
        return RateLimited(
            f"More than {self.limit} requests a minute: wait {wait_seconds} s.",
            retry_after_seconds=wait_seconds,
        )


class RequestLimiter:
    """Counts a tenant's requests over all its keys and all processes; 0 requests means no limit.

    While Valkey is away, each process counts alone. A circuit breaker lets one request in every few seconds ask
    Valkey again, so the others never wait for it.
    """

    def __init__(self, redis_url: str, requests_per_minute: int) -> None:
        self._limit = requests_per_minute
        self._item = RateLimitItemPerMinute(requests_per_minute) if requests_per_minute else None
        # Connections of its own, because a request waits for the count no longer than this.
        self._valkey = Valkey(redis_url, answer_seconds=ANSWER_SECONDS)
        self._window = SharedWindow(self._valkey, requests_per_minute)
        self._alone = MovingWindowRateLimiter(MemoryStorage())
        self._is_alone = False
        self._ask_again_at = 0.0

    async def take(self, tenant_id: UUID) -> Allowance | None:
        """Count one request; None when there is no limit."""
        if self._item is None:
            return None
        if not self._is_alone or time.monotonic() >= self._ask_again_at:
            # Whoever comes while this request waits does not ask as well, if Valkey is known to be away.
            self._ask_again_at = time.monotonic() + BREAKER_SECONDS
            try:
                count = await self._window.count(tenant_id)
            except StreamsUnavailable as error:
                self._note(is_alone=True, reason=type(error).__name__)
            else:
                self._note(is_alone=False)
                reset = math.ceil(count.reset_epoch_seconds)
                return Allowance(self._limit, count.remaining, reset, is_exceeded=not count.is_allowed)
        return await self._take_alone(self._item, str(tenant_id))

    async def aclose(self) -> None:
        await self._valkey.aclose()

    def _note(self, *, is_alone: bool, reason: str | None = None) -> None:
        """Log each change, not each request."""
        if is_alone is self._is_alone:
            return
        self._is_alone = is_alone
        process_metrics.limits_counted_alone(is_alone=is_alone)
        if is_alone:
            log.warning("rate_limit_alone", reason=reason)
        else:
            log.info("rate_limit_shared_again")

    async def _take_alone(self, item: RateLimitItemPerMinute, tenant: str) -> Allowance:
        is_allowed = await self._alone.hit(item, tenant)
        window = await self._alone.get_window_stats(item, tenant)
        reset = math.ceil(window.reset_time)
        return Allowance(self._limit, max(0, window.remaining), reset, is_exceeded=not is_allowed)
