"""Metrics of one process: its answers, refused callers, tails, engines as it sees them, and its event loop."""

import asyncio
import math
import time

from neo.telemetry.instruments import SHORT_SECONDS, counter, gauge, histogram

requests = counter("requests", "Answers by method, route and status.", "method", "route", "status")
auth_failures = counter("auth_failures", "Requests whose caller was not let in.", "reason")
rate_limited = counter("rate_limited", "Requests answered 429, by the limit's error code.", "policy")
cross_tenant_denied = counter(
    "cross_tenant_denied", "Requests that named what is certainly not their caller's.", "reason"
)
limits_alone = gauge("rate_limit_alone", "1 while this process counts rate limits alone, without Valkey.")
_jwks_age = gauge(
    "jwks_age_seconds",
    "How long ago the identity provider's signing keys were fetched, seconds; NaN before the first time.",
)
_jwks_fetched_at = math.nan
tails_open = gauge("sse_open", "Tails that are open.")
tails_closed = counter(
    "sse_closed",
    "Tails that ended: done (the turn's end was sent), left (ended with retry:), gone (the client left), slow "
    "(the client did not read), broken (an error of ours).",
    "reason",
)
stream_resets = counter(
    "stream_resets",
    "Replays of a turn from its start, because its stream was trimmed, was lost, or is behind the cursor (future).",
    "reason",
)

engine_up = gauge("engine_up", "1 while the engine answers this process, 0 while it does not.", "engine")
pool_wait = histogram(
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


def signing_keys_fetched() -> None:
    global _jwks_fetched_at  # noqa: PLW0603 - the one set of keys of this process.
    _jwks_fetched_at = time.monotonic()


_jwks_age.set_function(lambda: time.monotonic() - _jwks_fetched_at)


async def measure_loop_lag() -> None:
    """How busy the event loop is: a sleep that ends late has waited for other work."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + SLEEP_SECONDS
        await asyncio.sleep(SLEEP_SECONDS)
        _loop_lag.observe(max(0.0, loop.time() - due))
