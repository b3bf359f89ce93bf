import asyncio
from collections.abc import Awaitable, Callable

AGAIN_SECONDS = 1.0


async def keep_running(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Run background work that the process needs; when it raises, log the error and start it again."""
    while True:
        try:
            await work()
        except Exception:  # noqa: BLE001 - it is logged with its traceback.
            # A tenth of a second of imports, which every command would wait for.
            import structlog  # noqa: PLC0415

            structlog.get_logger().exception("background_work_failed", work=name, again_seconds=AGAIN_SECONDS)
            await asyncio.sleep(AGAIN_SECONDS)
        else:
            return
