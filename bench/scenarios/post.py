"""A burst of 2,000 posts by 64 clients over 2,000 sessions: how fast they are accepted."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from time import perf_counter

from bench.figures import Figure, one
from bench.http_connection import RefusedError
from bench.idle import turns_ended, until_idle
from bench.load import begun
from bench.neo import Neo
from bench.neo_user import NeoUser

TITLE = "a burst of 2,000 posts by 64 clients over 2,000 sessions"
SESSIONS = 2000
CLIENTS = 64


async def run(neo: Neo) -> list[Figure]:
    opening = perf_counter()
    users = await begun([NeoUser(neo) for _ in range(SESSIONS)])
    opened_seconds = perf_counter() - opening
    await until_idle(neo.parts)
    with neo.parts.measured() as cost:
        began = perf_counter()
        accepts, refused = await _post_all(iter(users))
        seconds = perf_counter() - began
    with neo.parts.measured() as drain:
        left = await turns_ended(neo)
    with neo.parts.measured() as closing:
        # Temporal hears of some turns when they have ended: that is their cost too.
        await until_idle(neo.parts)
    for user in users:
        user.leave()
    backlog = (len(accepts) - left) / (seconds + drain.seconds)
    return [
        one(
            "accepts", "/s", len(accepts) / seconds, f"{len(accepts)} accepted, refused {dict(refused) or 0}"
        ),
        Figure("accept", "ms", accepts),
        one(
            "turns, burst and drain",
            "/s",
            backlog,
            f"{left} were open {drain.seconds:.1f} s after the last accept",
        ),
        one("sessions opened", "/s", SESSIONS / opened_seconds, "before, by 16 clients"),
        cost.shares(),
        (cost + drain + closing).per("post and its turn", len(accepts) - left),
        neo.parts.memory(),
    ]


async def _post_all(users: Iterator[NeoUser]) -> tuple[list[float], Counter[str]]:
    accepts: list[float] = []
    refused = Counter[str]()

    async def client() -> None:
        for user in users:
            try:
                accepts.append((await user.post())[1])
            except RefusedError as error:
                refused[error.code] += 1

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return accepts, refused
