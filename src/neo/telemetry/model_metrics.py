"""Calls to the models' providers."""

from neo.telemetry.instruments import counter

_calls = counter(
    "llm_calls",
    "Calls to a model by how they ended: ok, cancelled, or the failure's code.",
    "provider",
    "status",
)
_incomplete = counter("llm_incomplete", "Answers that broke off before the provider said that they were over.")

INCOMPLETE = "provider_incomplete"


def called(provider: str, status: str) -> None:
    _calls.labels(provider, status).inc()
    if status == INCOMPLETE:
        _incomplete.inc()
