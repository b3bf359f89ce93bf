"""Metrics of the engines, as this process sees them, and of the process itself."""

import asyncio

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

SLEEP_SECONDS = 0.5


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
