"""Requests per tenant in a sliding minute, counted in Valkey, or in this process while it is away."""

import math
import time
from dataclasses import dataclass
from uuid import UUID

import structlog
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

from neo.errors import Failure, Kind
from neo.telemetry import access_metrics

log = structlog.get_logger()

# While Valkey is away nobody waits for it: it is tried again only after this long.
BREAKER_SECONDS = 5.0
SOCKET_SECONDS = 0.5


class RateLimited(Failure):
    """The tenant has used up its requests of this minute."""

    kind = Kind.RATE_LIMITED
    code = "rate_limited"
    remedy = "Wait for `Retry-After` seconds."


@dataclass(frozen=True)
class Allowance:
    """What is left to a tenant; `reset_epoch_seconds` is when the window is fresh again."""

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
    """A tenant's requests, shared by all its keys and by all processes; 0 requests means no limit."""

    def __init__(self, redis_url: str, requests_per_minute: int) -> None:
        self._limit = requests_per_minute
        self._item = (
            RateLimitItemPerMinute(requests_per_minute, namespace="neo:limit")
            if requests_per_minute
            else None
        )
        self._shared = MovingWindowRateLimiter(_shared_storage(redis_url))
        self._alone = MovingWindowRateLimiter(MemoryStorage())
        self._shared_again_at = 0.0
        self._is_alone = False

    async def take(self, tenant_id: UUID) -> Allowance | None:
        """Count one request; None when there is no limit."""
        if self._item is None:
            return None
        if time.monotonic() >= self._shared_again_at:
            try:
                allowance = await self._take(self._shared, str(tenant_id))
            except (RedisError, OSError, TimeoutError) as error:
                self._shared_again_at = time.monotonic() + BREAKER_SECONDS
                self._note(is_alone=True, reason=type(error).__name__)
            else:
                self._note(is_alone=False)
                return allowance
        return await self._take(self._alone, str(tenant_id))

    def _note(self, *, is_alone: bool, reason: str | None = None) -> None:
        """Tell the log of each change, not of each request."""
        if is_alone is self._is_alone:
            return
        self._is_alone = is_alone
        access_metrics.limits_counted_alone(is_alone=is_alone)
        if is_alone:
            log.warning("rate_limit_alone", reason=reason)
        else:
            log.info("rate_limit_shared_again")

    async def _take(self, limiter: MovingWindowRateLimiter, tenant: str) -> Allowance:
        assert self._item is not None  # noqa: S101
        is_allowed = await limiter.hit(self._item, tenant)
        window = await limiter.get_window_stats(self._item, tenant)
        return Allowance(self._limit, max(0, window.remaining), math.ceil(window.reset_time), not is_allowed)


def _shared_storage(redis_url: str) -> Storage:
    address = (
        redis_url.replace("unix://", "redis+unix://", 1) if redis_url.startswith("unix://") else redis_url
    )
    return RedisStorage(
        f"async+{address}",
        implementation="redispy",
        socket_timeout=SOCKET_SECONDS,
        socket_connect_timeout=SOCKET_SECONDS,
    )
