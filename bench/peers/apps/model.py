"""The peers' model: the message says what is answered, `tokens=50,delay_ms=10`; each token is `wN `."""

import asyncio
from collections.abc import AsyncIterator


def scenario(message: str) -> tuple[int, float]:
    """The tokens, and the seconds after each."""
    said = dict(part.split("=") for part in message.split(","))
    return int(said["tokens"]), int(said.get("delay_ms", 0)) / 1000


async def words(message: str) -> AsyncIterator[str]:
    tokens, delay_seconds = scenario(message)
    for number in range(1, tokens + 1):
        yield f"w{number} "
        if delay_seconds:
            await asyncio.sleep(delay_seconds)


def whole(message: str) -> str:
    return "".join(f"w{number} " for number in range(1, scenario(message)[0] + 1))
