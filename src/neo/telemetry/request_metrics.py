"""Metrics of the API's answers."""

from neo.telemetry.instruments import counter

_requests = counter("requests", "Answers by method, route and status.", "method", "route", "status")

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"})


def answered(method: str, route: str | None, status: int) -> None:
    # A label must not take what callers choose freely: unknown paths and methods become one value each.
    _requests.labels(method if method in METHODS else "other", route or "none", status).inc()
