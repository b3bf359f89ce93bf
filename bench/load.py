"""How users behave: one turn after the other, all at once, or back to back for a while."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import starmap
from time import perf_counter
from typing import Protocol, TypeVar

from bench.event_counter import Turn
from bench.http_connection import RefusedError

# A user whose turn does not end in this time has lost it.
TURN_SECONDS = 60.0
# Sessions are opened before a load, and gently: it is not what is measured.
OPENINGS_AT_ONCE = 16


class User(Protocol):
    """Somebody with a session and a connection."""

    async def begin(self) -> None: ...

    async def turn(self) -> Turn: ...

    def leave(self) -> None: ...


SomeUser = TypeVar("SomeUser", bound=User)


@dataclass
class Load:
    """What came of a load. `seconds` goes from the first post to the last end, so it has the drain in it."""

    turns: list[Turn] = field(default_factory=list)
    # Why turns were refused or lost, and how often.
    refused: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def per_second(self) -> float:
        return len(self.turns) / self.seconds

    def short(self, characters: int) -> int:
        """Turns that told another number of characters than they should have: must be 0."""
        return sum(1 for turn in self.turns if turn.counter.characters != characters)

    @property
    def failed(self) -> Counter[str]:
        """Why turns ended in an error, and how often."""
        return Counter(turn.counter.failure for turn in self.turns if turn.counter.failure)

    @property
    def again(self) -> int:
        """Turns that were told a second time, because an attempt was given up or the stream was lost."""
        return sum(1 for turn in self.turns if turn.counter.again)


async def begun(users: list[SomeUser], *, at_once: int = OPENINGS_AT_ONCE) -> list[SomeUser]:
    """Each with a session of its own."""
    free = asyncio.Semaphore(at_once)

    async def begin(user: SomeUser) -> None:
        async with free:
            await user.begin()

    await asyncio.gather(*(begin(user) for user in users))
    return users


async def one_by_one(user: User, turns: int) -> Load:
    load, start = Load(), perf_counter()
    for _ in range(turns):
        await _one(user, load)
    load.seconds = perf_counter() - start
    return load


async def all_at_once(users: Sequence[User], *, ramp_seconds: float) -> Load:
    """One turn each, begun one after the other over the ramp."""
    load, start = Load(), perf_counter()

    async def begin(user: User, after_seconds: float) -> None:
        await asyncio.sleep(after_seconds)
        await _one(user, load)

    await asyncio.gather(*starmap(begin, _over(users, ramp_seconds)))
    load.seconds = perf_counter() - start
    return load


async def back_to_back(users: Sequence[User], seconds: float, *, ramp_seconds: float = 0.0) -> Load:
    """Each user posts again as soon as the answer has ended; turns that were begun in time are waited for."""
    load, start = Load(), perf_counter()

    async def go_on(user: User, after_seconds: float) -> None:
        await asyncio.sleep(after_seconds)
        while perf_counter() < start + seconds:
            await _one(user, load)

    await asyncio.gather(*starmap(go_on, _over(users, ramp_seconds)))
    load.seconds = perf_counter() - start
    return load


async def at_rate(users: list[SomeUser], per_second: float, seconds: float, *, late: float = 0.0) -> Load:
    """A post at each tick, however many answers are still awaited: `late` by this part of a tick.

    Each is said by a user who is free. Where none is, the next one who gets free says it at once, and late: that
    is the load's fault, so there should be enough of them.
    """
    load, start = Load(), perf_counter()
    free = asyncio.Queue[SomeUser]()
    for user in users:
        free.put_nowait(user)

    async def say() -> None:
        user = await free.get()
        await _one(user, load)
        free.put_nowait(user)

    async with asyncio.TaskGroup() as saying:
        for at in range(int(per_second * seconds)):
            await asyncio.sleep(start + (at + late) / per_second - perf_counter())
            saying.create_task(say())
    load.seconds = perf_counter() - start
    return load


def reason(error: Exception) -> str:
    return error.code if isinstance(error, RefusedError) else type(error).__name__


def _over(users: Sequence[User], ramp_seconds: float) -> Iterator[tuple[User, float]]:
    return ((user, ramp_seconds * at / len(users)) for at, user in enumerate(users))


async def _one(user: User, load: Load) -> None:
    try:
        async with asyncio.timeout(TURN_SECONDS):
            load.turns.append(await user.turn())
    except (RefusedError, ConnectionError, TimeoutError) as error:
        load.refused[reason(error)] += 1
        user.leave()
        await user.begin()
