"""Requests per tenant in a sliding minute, counted in Valkey, or in this process while it is away."""

import math
import time
from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

import structlog
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from neo.access.window import SharedCount, Window
from neo.errors import Failure, Kind
from neo.streams import StreamsUnavailable, Valkey
from neo.telemetry import access_metrics

log = structlog.get_logger()

# While Valkey is away nobody waits for it: it is tried again only after this long.
BREAKER_SECONDS = 5.0
ANSWER_SECONDS = 0.5
# Tenants whose count is known here; those that have been quiet are forgotten first.
WINDOWS_MAX = 10_000


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
        valkey = Valkey(redis_url, answer_seconds=ANSWER_SECONDS)
        self._shared = SharedCount(valkey, requests_per_minute)
        self._windows: OrderedDict[UUID, Window] = OrderedDict()
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
        return await self._take_alone(self._item, tenant_id)

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
        count = await self._window(tenant_id).take()
        return Allowance(
            self._limit, count.remaining, math.ceil(count.reset_epoch_seconds), not count.is_allowed
        )

    def _window(self, tenant_id: UUID) -> Window:
        window = self._windows.get(tenant_id)
        if window is None:
            window = self._windows[tenant_id] = Window(self._shared, tenant_id, self._limit)
        self._windows.move_to_end(tenant_id)
        if len(self._windows) > WINDOWS_MAX:
            self._windows.popitem(last=False)
        return window

    async def _take_alone(self, item: RateLimitItemPerMinute, tenant_id: UUID) -> Allowance:
        tenant = str(tenant_id)
        if let_pass := self._window(tenant_id).give_up():
            await self._alone.hit(item, tenant, cost=let_pass)
        is_allowed = await self._alone.hit(item, tenant)
        window = await self._alone.get_window_stats(item, tenant)
        return Allowance(self._limit, max(0, window.remaining), math.ceil(window.reset_time), not is_allowed)
