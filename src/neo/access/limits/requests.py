"""Each tenant's requests in a sliding minute, counted in Valkey, or by each process alone while Valkey is away."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import structlog
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from neo.access.limits.shares import most_for
from neo.access.limits.window import SharedWindows
from neo.access.principal import CallerKind, Principal
from neo.errors import Failure, Kind
from neo.streams import StreamsUnavailable, Valkey
from neo.telemetry import process_metrics

log = structlog.get_logger()

# While Valkey is away, one request in this long asks whether it is back.
BREAKER_SECONDS = 5.0
ANSWER_SECONDS = 0.5


class RateLimited(Failure):
    """The tenant has used up its requests of this minute, or the end user theirs."""

    kind = Kind.RATE_LIMITED
    code = "rate_limited"
    remedy = "Wait for `Retry-After` seconds."


@dataclass(frozen=True)
class Allowance:
    """What is left to a caller; at `reset_epoch_seconds` the oldest request leaves the window."""

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
    """Counts a tenant's requests over all its callers and all processes.

    No caller can use up what is somebody else's: all end users together have three quarters of the tenant's requests,
    one of them has `token_requests_per_minute`, and the tenant's Admins have a tenth beyond what all others may take.

    While Valkey is away, each process counts alone. A circuit breaker lets one request in every few seconds ask
    Valkey again, so the others never wait for it.
    """

    def __init__(self, redis_url: str, requests_per_minute: int, token_requests_per_minute: int = 0) -> None:
        self._limit = requests_per_minute
        self._token_limit = token_requests_per_minute
        # Connections of its own, because a request waits for the count no longer than this.
        self._valkey = Valkey(redis_url, answer_seconds=ANSWER_SECONDS)
        self._windows = SharedWindows(self._valkey)
        self._alone = MovingWindowRateLimiter(MemoryStorage())
        self._is_alone = False
        self._ask_again_at = 0.0

    async def take(self, tenant_id: UUID, caller: Principal) -> Allowance:
        """Count one request of the caller for the tenant."""
        windows = self._windows_of(tenant_id, caller)
        if not self._is_alone or time.monotonic() >= self._ask_again_at:
            # Whoever comes while this request waits does not ask as well, if Valkey is known to be away.
            self._ask_again_at = time.monotonic() + BREAKER_SECONDS
            try:
                count = await self._windows.count(windows)
            except StreamsUnavailable as error:
                self._note(is_alone=True, reason=type(error).__name__)
            else:
                self._note(is_alone=False)
                reset = math.ceil(count.reset_epoch_seconds)
                return Allowance(
                    min(windows.values()), count.remaining, reset, is_exceeded=not count.is_allowed
                )
        return await self._take_alone(windows)

    def _windows_of(self, tenant_id: UUID, caller: Principal) -> dict[UUID, int]:
        """Where a request of the caller counts, and how many requests may be there then."""
        windows = {tenant_id: most_for(caller, self._limit)}
        if caller.kind is CallerKind.END_USER and self._token_limit:
            windows[caller.credential.id] = self._token_limit
        return windows

    async def aclose(self) -> None:
        await self._valkey.aclose()

    def _note(self, *, is_alone: bool, reason: str | None = None) -> None:
        """Log each change, not each request."""
        if is_alone is self._is_alone:
            return
        self._is_alone = is_alone
        process_metrics.limits_alone.set(is_alone)
        if is_alone:
            log.warning("rate_limit_alone", reason=reason)
        else:
            log.info("rate_limit_shared_again")

    async def _take_alone(self, windows: Mapping[UUID, int]) -> Allowance:
        """What the fullest window says. Callers of different shares are counted apart here: it is for an emergency."""
        found = [await self._alone_in(str(window), most) for window, most in windows.items()]
        return min(found, key=lambda allowance: (not allowance.is_exceeded, allowance.remaining))

    async def _alone_in(self, window: str, most: int) -> Allowance:
        item = RateLimitItemPerMinute(most)
        is_allowed = await self._alone.hit(item, window)
        stats = await self._alone.get_window_stats(item, window)
        reset = math.ceil(stats.reset_time)
        return Allowance(most, max(0, stats.remaining), reset, is_exceeded=not is_allowed)
