"""Waiting until a server has done what it was given: one scenario must not pay for the one before."""

import asyncio
from time import perf_counter

import asyncpg
from bench.neo import Neo
from bench.parts import Parts

LOOK_SECONDS = 0.25
# An idle stack takes a few hundredths of a core for its timers and heartbeats.
IDLE_SHARE = 0.15
IDLE_WAIT_SECONDS = 30.0
# A backlog of 2,000 turns.
DRAIN_SECONDS = 120.0
OPEN_TURNS = "SELECT count(*) FROM chat_turns WHERE status IN ('QUEUED', 'RUNNING', 'WAITING')"


async def until_idle(parts: Parts, wait_seconds: float = IDLE_WAIT_SECONDS) -> float:
    """Wait until the processors are idle; returns how many seconds it took."""
    start = perf_counter()
    while perf_counter() < start + wait_seconds:
        before, looked = sum(parts.cpu().values()), perf_counter()
        await asyncio.sleep(LOOK_SECONDS)
        if sum(parts.cpu().values()) - before < IDLE_SHARE * (perf_counter() - looked):
            break
    return perf_counter() - start


async def turns_ended(neo: Neo) -> int:
    """Wait until no turn of any tenant is open; returns how many still are when patience has ended."""
    start = perf_counter()
    # Only the owner of the tables sees the turns of all tenants.
    connection = await asyncpg.connect(driver_url(neo, "database_owner_url"))
    try:
        while found := int(await connection.fetchval(OPEN_TURNS)):
            if perf_counter() > start + DRAIN_SECONDS:
                break
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        await connection.close()
    return found


def driver_url(neo: Neo, name: str) -> str:
    return neo.addresses[name].replace("+asyncpg", "")
