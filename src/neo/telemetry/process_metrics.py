"""Metrics of one process: its answers, refused callers, tails, engines as it sees them, and its event loop."""

import asyncio
import math
import time

from neo.telemetry.instruments import SHORT_SECONDS, counter, gauge, histogram

_requests = counter("requests", "Answers by method, route and status.", "method", "route", "status")
_auth_failures = counter("auth_failures", "Requests whose caller was not let in.", "reason")
_rate_limited = counter("rate_limited", "Requests answered 429, by the limit's error code.", "policy")
_cross_tenant = counter(
    "cross_tenant_denied", "Requests that named what is certainly not their caller's.", "reason"
)
_alone = gauge("rate_limit_alone", "1 while this process counts rate limits alone, without Valkey.")
_jwks_age = gauge(
    "jwks_age_seconds",
    "How long ago the identity provider's signing keys were fetched, seconds; NaN before the first time.",
)
_jwks_fetched_at = math.nan
_tails_open = gauge("sse_open", "Tails that are open.")
_tails_closed = counter(
    "sse_closed",
    "Tails that ended: done (the turn's end was sent), left (ended with retry:), gone (the client left), slow "
    "(the client did not read), broken (an error of ours).",
    "reason",
)
_stream_resets = counter(
    "stream_resets",
    "Replays of a turn from its start, because its stream was trimmed, was lost, or is behind the cursor (future).",
    "reason",
)

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"})
_up = gauge("engine_up", "1 while the engine answers this process, 0 while it does not.", "engine")
_pool_wait = histogram(
    "db_pool_wait_seconds",
    "From asking for a database connection to having one, seconds.",
    buckets=SHORT_SECONDS,
)
_loop_lag = histogram(
    "loop_lag_seconds",
    "How much later than asked for the event loop woke a sleeper, seconds.",
    buckets=SHORT_SECONDS,
)
SLEEP_SECONDS = 0.5


def answered(method: str, route: str | None, status: int) -> None:
    # A label must not take what callers choose freely: unknown paths and methods become one value each.
    _requests.labels(method if method in METHODS else "other", route or "none", status).inc()


def auth_failed(reason: str) -> None:
    _auth_failures.labels(reason).inc()


def rate_limited(policy: str) -> None:
    _rate_limited.labels(policy).inc()


def cross_tenant_denied(reason: str) -> None:
    _cross_tenant.labels(reason).inc()


def limits_counted_alone(*, is_alone: bool) -> None:
    _alone.set(is_alone)


def signing_keys_fetched() -> None:
    global _jwks_fetched_at  # noqa: PLW0603 - the one set of keys of this process.
    _jwks_fetched_at = time.monotonic()


def tail_opened() -> None:
    _tails_open.inc()


def tail_closed(reason: str) -> None:
    _tails_open.dec()
    _tails_closed.labels(reason).inc()


def stream_reset(reason: str) -> None:
    _stream_resets.labels(reason).inc()


_jwks_age.set_function(lambda: time.monotonic() - _jwks_fetched_at)


def engine_is(engine: str, *, up: bool) -> None:
    _up.labels(engine).set(up)


def pool_waited(seconds: float) -> None:
    _pool_wait.observe(seconds)


async def measure_loop_lag() -> None:
    """How busy the event loop is: a sleep that ends late has waited for other work."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + SLEEP_SECONDS
        await asyncio.sleep(SLEEP_SECONDS)
        _loop_lag.observe(max(0.0, loop.time() - due))
