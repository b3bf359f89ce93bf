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
_claimed = counter(
    "turns_claimed",
    "Turns that this process claimed: with their message, by looking, or from one whose lease had passed.",
    "way",
)
_take_over = histogram(
    "turn_take_over_seconds",
    "From a lease's end to the claim of whoever took the turn over, seconds.",
    buckets=LONG_SECONDS,
)
_places = gauge("turn_places", "Turns that this process may drive at once; 0 while it claims none.")
_driven = gauge("turns_driven", "Turns that this process drives.")
_processes = gauge("turn_processes", "Processes that run turns, as seen in the last 10 seconds.")
_duplicates = counter("duplicate_posts", "Messages refused because their client_message_id was used before.")
_cancelled = counter("turns_cancelled", "Turns that ended as cancelled.")
_fenced = counter(
    "fenced_writes", "Writes refused because somebody else had claimed the turn, or it had ended."
)
_outbox_age = gauge(
    "outbox_oldest_age_seconds", "How long the turn that waits longest has been claimable, seconds."
)
_model_calls = counter(
    "llm_calls",
    "Calls to a model by how they ended: ok, cancelled, or the failure's code.",
    "provider",
    "status",
)
_model_cost = counter(
    "llm_cost",
    "What calls to models cost by the operator's prices, in the operator's currency, for models that have a price.",
    "provider",
    "model",
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


def claimed(way: str) -> None:
    """`way` is `accept` or `look`."""
    _claimed.labels(way).inc()


def taken_over(late_seconds: float) -> None:
    _claimed.labels("take_over").inc()
    _take_over.observe(late_seconds)


def places_are(places: int, *, driven: int) -> None:
    _places.set(places)
    _driven.set(driven)


def duplicate_refused() -> None:
    _duplicates.inc()


def write_fenced() -> None:
    _fenced.inc()


def turns_wait(oldest_seconds: float, *, processes: int) -> None:
    _outbox_age.set(oldest_seconds)
    _processes.set(processes)


def model_called(provider: str, status: str) -> None:
    _model_calls.labels(provider, status).inc()
    if status == PROVIDER_INCOMPLETE:
        _model_incomplete.inc()


def model_cost(provider: str, model: str, cost: float) -> None:
    """Only models with a price are counted, so the operator's list bounds the names."""
    _model_cost.labels(provider, model).inc(cost)


def breaker_is(provider: str, *, is_open: bool) -> None:
    _breaker_open.labels(provider).set(is_open)
