"""How each call to a provider ended, for the metrics."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from neo.errors import Failure
from neo.llm.pieces import Completed, Piece
from neo.telemetry import model_metrics


async def counted(provider: str, pieces: AsyncGenerator[Piece, None]) -> AsyncGenerator[Piece, None]:
    """The same pieces."""
    status = "broken"
    try:
        async with aclosing(pieces):
            async for piece in pieces:
                if isinstance(piece, Completed):
                    status = "ok"
                yield piece
    except (GeneratorExit, asyncio.CancelledError):
        # After the last piece nobody asks for more.
        status = "cancelled" if status != "ok" else status
        raise
    except Failure as failure:
        status = failure.code
        raise
    finally:
        model_metrics.called(provider, status)
