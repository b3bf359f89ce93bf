"""Metrics of refused callers, and of the age of the keys that tokens are verified with."""

import math
import time

from neo.telemetry.instruments import counter, gauge

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


_jwks_age.set_function(lambda: time.monotonic() - _jwks_fetched_at)
