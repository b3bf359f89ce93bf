"""Counts in the metrics how each call to a provider ended."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from neo.errors import Failure
from neo.llm.deltas import Completed, Delta
from neo.telemetry import model_metrics


async def counted(provider: str, deltas: AsyncGenerator[Delta, None]) -> AsyncGenerator[Delta, None]:
    """Yields the same deltas."""
    status = "broken"
    try:
        async with aclosing(deltas):
            async for delta in deltas:
                if isinstance(delta, Completed):
                    status = "ok"
                yield delta
    except (GeneratorExit, asyncio.CancelledError):
        # A caller that has the last delta closes the stream without asking for more.
        status = "cancelled" if status != "ok" else status
        raise
    except Failure as failure:
        status = failure.code
        raise
    finally:
        model_metrics.called(provider, status)
