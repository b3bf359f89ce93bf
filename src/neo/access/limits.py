"""Requests per tenant in a sliding minute, counted in Valkey, or in this process while it is away."""

import math
import time
from dataclasses import dataclass
from importlib.resources import files
from uuid import UUID, uuid4

import structlog
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from neo.errors import Failure, Kind
from neo.streams import StreamsUnavailable, Valkey
from neo.telemetry import access_metrics

log = structlog.get_logger()

# While Valkey is away nobody waits for it: it is tried again only after this long.
BREAKER_SECONDS = 5.0
ANSWER_SECONDS = 0.5
CONNECTIONS_MAX = 8
WINDOW_SECONDS = 60
KEY = b"neo:limit:"
_WINDOW = (files("neo.access") / "window.lua").read_text()


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
        self._item = RateLimitItemPerMinute(requests_per_minute) if requests_per_minute else None
        # Lines of its own: a request waits for the count no longer than this.
        valkey = Valkey(redis_url, connections_max=CONNECTIONS_MAX, answer_seconds=ANSWER_SECONDS)
        self._window = valkey.script(_WINDOW)
        self._alone = MovingWindowRateLimiter(MemoryStorage())
        self._shared_again_at = 0.0
        self._is_alone = False

    async def take(self, tenant_id: UUID) -> Allowance | None:
        """Count one request; None when there is no limit."""
        if self._item is None:
            return None
        if time.monotonic() >= self._shared_again_at:
            try:
                allowance = await self._take_shared(tenant_id)
            except StreamsUnavailable as error:
                self._shared_again_at = time.monotonic() + BREAKER_SECONDS
                self._note(is_alone=True, reason=type(error).__name__)
            else:
                self._note(is_alone=False)
                return allowance
        return await self._take_alone(self._item, str(tenant_id))

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

    async def _take_shared(self, tenant_id: UUID) -> Allowance:
        words = (self._limit, WINDOW_SECONDS, uuid4().bytes)
        is_allowed, remaining, reset = await self._window(keys=[KEY + tenant_id.bytes], words=words)
        return Allowance(self._limit, remaining, math.ceil(float(reset)), not is_allowed)

    async def _take_alone(self, item: RateLimitItemPerMinute, tenant: str) -> Allowance:
        is_allowed = await self._alone.hit(item, tenant)
        window = await self._alone.get_window_stats(item, tenant)
        return Allowance(self._limit, max(0, window.remaining), math.ceil(window.reset_time), not is_allowed)
