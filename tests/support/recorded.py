"""What a queue has begun, in which request, and held there until it is let."""

import asyncio
from contextvars import ContextVar

from neo.turns.temporal.contract import TurnInput

request: ContextVar[int] = ContextVar("request")


def turn(number: int) -> TurnInput:
    return TurnInput("tenant", "session", str(number))


class Recorded:
    def __init__(self) -> None:
        self.begun: list[str] = []
        self.requests: list[int] = []
        self.let = asyncio.Event()

    async def __call__(self, begun: TurnInput) -> None:
        self.begun.append(begun.turn_id)
        self.requests.append(request.get())
        await self.let.wait()

    async def until_begun(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.begun) < count:
                await asyncio.sleep(0.001)
