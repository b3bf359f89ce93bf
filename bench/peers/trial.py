"""One start of one server, and A1, A64 and B200 against it."""

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.idle import until_idle
from bench.load import Load, User, back_to_back, begun, one_by_one
from bench.neo import neo_running
from bench.neo_user import NeoUser
from bench.parts import Cost, Parts
from bench.peers.grounds import ground_of
from bench.peers.peer import Peer, PeerUser, peer_running

A = "tokens=50"
B = "tokens=50,delay_ms=10"
WARM_TURNS = 5
TURNS = 30
WARM_SECONDS = 1.5
SECONDS = 6.0
RAMP_SECONDS = 1.0
# A server that answers one turn in three seconds would take minutes for them all.
IDLE_WAIT_SECONDS = 5.0


@dataclass(frozen=True)
class Trial:
    name: str
    up_seconds: float
    one: Load
    many: Load
    many_cost: Cost
    slow: Load
    memory: Mapping[str, float]


async def try_neo() -> Trial:
    async with neo_running() as neo:
        # The libraries of its models are imported after it is healthy.
        await until_idle(neo.parts)
        agents = {A: await neo.agent(A), B: await neo.agent(B)}
        return await _tried(
            "neo", neo.healthy_seconds, neo.parts, lambda message: NeoUser(neo, agents[message])
        )


async def try_peer(peer: Peer, python: Path) -> Trial:
    async with AsyncExitStack() as stack:
        ground = await stack.enter_async_context(ground_of(peer))
        running = await stack.enter_async_context(peer_running(peer, python, ground.environment))
        parts = Parts({**running.pids, **ground.pids})
        return await _tried(
            peer.name, running.up_seconds, parts, lambda message: PeerUser(running.port, peer.speech, message)
        )


async def _tried(name: str, up_seconds: float, parts: Parts, user: Callable[[str], User]) -> Trial:
    [alone] = await begun([user(A)])
    await one_by_one(alone, WARM_TURNS)
    one = await one_by_one(alone, TURNS)
    many = await begun([user(A) for _ in range(64)])
    await back_to_back(many, WARM_SECONDS)
    await until_idle(parts, IDLE_WAIT_SECONDS)
    with parts.measured() as cost:
        many_load = await back_to_back(many, SECONDS)
        await until_idle(parts, IDLE_WAIT_SECONDS)
    slow = await begun([user(B) for _ in range(200)])
    slow_load = await back_to_back(slow, SECONDS, ramp_seconds=RAMP_SECONDS)
    memory = parts.memory_mib()
    for each in (alone, *many, *slow):
        each.leave()
    return Trial(name, up_seconds, one, many_load, cost, slow_load, memory)
