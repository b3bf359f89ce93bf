"""How busy the event loop is: a sleep that ends late has waited for other work."""

import asyncio

from neo.telemetry import engine_metrics

SLEEP_SECONDS = 0.5


async def measure_loop_lag() -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + SLEEP_SECONDS
        await asyncio.sleep(SLEEP_SECONDS)
        engine_metrics.loop_lagged(max(0.0, loop.time() - due))
