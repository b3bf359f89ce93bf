"""Metrics of the engines, as this process sees them, and of the process itself."""

from neo.telemetry.instruments import SHORT_SECONDS, gauge, histogram

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


def engine_is(engine: str, *, up: bool) -> None:
    _up.labels(engine).set(up)


def pool_waited(seconds: float) -> None:
    _pool_wait.observe(seconds)


def loop_lagged(seconds: float) -> None:
    _loop_lag.observe(seconds)
