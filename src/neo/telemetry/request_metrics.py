"""Answers of the API."""

from neo.telemetry.instruments import counter

_requests = counter("requests", "Answers by method, route and status.", "method", "route", "status")

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"})


def answered(method: str, route: str | None, status: int) -> None:
    # What callers choose freely is no label: a path that is no route, a method that nobody knows.
    _requests.labels(method if method in METHODS else "other", route or "none", status).inc()
