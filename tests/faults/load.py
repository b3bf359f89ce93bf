"""People who post and read while everything else goes wrong."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from faults.caller import READ_SECONDS
from faults.history import Posted
from faults.world import World


@dataclass
class Load:
    """Posts at a rate, to a few sessions, each with a reader from its cursor to its end."""

    world: World
    sessions: list[str]
    per_second: float
    readers: list[asyncio.Task[object]] = field(default_factory=list)
    posting: list[asyncio.Task[None]] = field(default_factory=list)
    posted: list[Posted] = field(default_factory=list)

    async def run(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.posting.append(asyncio.create_task(self._say(random.choice(self.sessions))))
            await asyncio.sleep(random.expovariate(self.per_second))

    async def settled(self) -> None:
        """Everything posted is known to be stored, and has been read to its end."""
        await asyncio.gather(*self.posting)
        await asyncio.gather(*self.readers)

    async def _say(self, session: str) -> None:
        post = await self.world.caller.insist(session)
        self.posted.append(post)
        reading = self.world.caller.read(session, post.since, seconds=2 * READ_SECONDS)
        self.readers.append(asyncio.create_task(reading))


@asynccontextmanager
async def under_load(
    world: World, *, sessions: int, per_second: float, seconds: float, model: str
) -> AsyncIterator[Load]:
    """Load for this long, or longer if the block takes longer; then all of it is waited for."""
    agent = await world.agent(model)
    opened = [await world.caller.open(agent) for _ in range(sessions)]
    load = Load(world, opened, per_second)
    running = asyncio.create_task(load.run(seconds))
    try:
        yield load
        await running
        await load.settled()
    finally:
        for task in (running, *load.posting, *load.readers):
            task.cancel()
        await asyncio.gather(running, *load.posting, *load.readers, return_exceptions=True)
