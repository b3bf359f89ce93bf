"""Metrics of calls to the models' providers."""

from neo.telemetry.instruments import counter, gauge

_calls = counter(
    "llm_calls",
    "Calls to a model by how they ended: ok, cancelled, or the failure's code.",
    "provider",
    "status",
)
_incomplete = counter(
    "llm_incomplete", "Answers that broke off before the provider said that they were over."
)
_breaker_open = gauge(
    "llm_breaker_open",
    "1 while calls are kept from a provider that is down, by provider and region.",
    "provider",
)

INCOMPLETE = "provider_incomplete"


def called(provider: str, status: str) -> None:
    _calls.labels(provider, status).inc()
    if status == INCOMPLETE:
        _incomplete.inc()


def breaker_is(provider: str, *, is_open: bool) -> None:
    _breaker_open.labels(provider).set(is_open)
