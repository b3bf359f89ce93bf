"""Metrics of messages, of their turns, and of the calls to the models' providers."""

from neo.telemetry.instruments import LONG_SECONDS, SHORT_SECONDS, counter, gauge, histogram

_accept = histogram(
    "turn_accept_seconds", "From a message's request to its 202, seconds.", buckets=SHORT_SECONDS
)
_first_token = histogram(
    "turn_first_token_seconds",
    "From a message's acceptance to its answer's first text, seconds.",
    buckets=LONG_SECONDS,
)
_end = histogram(
    "turn_end_seconds",
    "From a message's acceptance to its turn's end, seconds.",
    "outcome",
    buckets=LONG_SECONDS,
)
_recovery = histogram(
    "turn_recovery_seconds",
    "From the last sign of life of a worker that died to the next attempt at its turn, seconds.",
    buckets=LONG_SECONDS,
)
_duplicates = counter("duplicate_posts", "Messages refused because their client_message_id was used before.")
_cancelled = counter("turns_cancelled", "Turns that ended as cancelled.")
_sweeper_restarts = counter(
    "sweeper_restarts", "Queued turns that the sweeper started because whoever took them had not."
)
_fenced = counter(
    "fenced_writes", "Writes refused because another attempt had taken the turn over, or it had ended."
)
_outbox_age = gauge(
    "outbox_oldest_age_seconds", "How long the turn that waits longest to be started has been next, seconds."
)
_model_calls = counter(
    "llm_calls",
    "Calls to a model by how they ended: ok, cancelled, or the failure's code.",
    "provider",
    "status",
)
_model_incomplete = counter(
    "llm_incomplete", "Answers that broke off before the provider said that they were over."
)
_breaker_open = gauge(
    "llm_breaker_open",
    "1 while calls are kept from a provider that is down, by provider and region.",
    "provider",
)

PROVIDER_INCOMPLETE = "provider_incomplete"


def accepted(seconds: float) -> None:
    _accept.observe(seconds)


def first_token(seconds: float) -> None:
    _first_token.observe(seconds)


def ended(outcome: str, seconds: float) -> None:
    _end.labels(outcome.lower()).observe(seconds)
    if outcome == "CANCELLED":
        _cancelled.inc()


def recovered(seconds: float) -> None:
    _recovery.observe(seconds)


def duplicate_refused() -> None:
    _duplicates.inc()


def started_by_sweeper() -> None:
    _sweeper_restarts.inc()


def write_fenced() -> None:
    _fenced.inc()


def outbox_age(seconds: float) -> None:
    _outbox_age.set(seconds)


def model_called(provider: str, status: str) -> None:
    _model_calls.labels(provider, status).inc()
    if status == PROVIDER_INCOMPLETE:
        _model_incomplete.inc()


def breaker_is(provider: str, *, is_open: bool) -> None:
    _breaker_open.labels(provider).set(is_open)
