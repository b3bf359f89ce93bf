"""Fan-out: one session with 200 tails, and 200 sessions with one tail each, of a fast model."""

import asyncio
from time import perf_counter

from bench.ear import Ear, characters_of
from bench.figures import Figure, one
from bench.load import all_at_once, begun
from bench.neo import Neo
from bench.neo_user import TEXT, NeoUser
from bench.parts import Cost
from bench.rest import settled

TITLE = "one session with 200 tails, and 200 sessions with one"
TAILS = 200
# A millisecond between two tokens keeps most of them apart; without it the turn is a few large deltas.
ONE_TOKENS = 3000
EACH_TOKENS = 300
DELAY = "delay_ms=1"


async def run(neo: Neo) -> list[Figure]:
    return [*await _one_session(neo), *await _each_its_own(neo), neo.parts.memory()]


async def _one_session(neo: Neo) -> list[Figure]:
    poster = NeoUser(neo, await neo.agent(f"tokens={ONE_TOKENS},{DELAY}"))
    await poster.begin()
    readers = [NeoUser(neo, session_id=poster.session_id) for _ in range(TAILS)]
    await begun(readers)
    ears = [Ear(TEXT) for _ in readers]
    await settled(neo.parts)
    with neo.parts.measured() as cost:
        began = perf_counter()
        since, _ = await poster.post()
        await asyncio.gather(*(reader.tail(ear.hear, since) for reader, ear in zip(readers, ears, strict=True)))
        seconds = perf_counter() - began
    for user in (poster, *readers):
        user.leave()
    return _told("one session, 200 tails", ears, ONE_TOKENS, seconds, cost)


async def _each_its_own(neo: Neo) -> list[Figure]:
    agent_id = await neo.agent(f"tokens={EACH_TOKENS},{DELAY}")
    users = await begun([NeoUser(neo, agent_id) for _ in range(TAILS)])
    await settled(neo.parts)
    with neo.parts.measured() as cost:
        load = await all_at_once(users)
    for user in users:
        user.leave()
    ears = [turn.ear for turn in load.turns]
    return _told("200 sessions, one tail each", ears, EACH_TOKENS, load.seconds, cost)


def _told(name: str, ears: list[Ear], tokens: int, seconds: float, cost: Cost) -> list[Figure]:
    events, whole = sum(ear.events for ear in ears), characters_of(tokens)
    lost = TAILS - sum(1 for ear in ears if ear.characters == whole)
    note = f"{events // len(ears)} events a tail in {seconds:.1f} s; tails that lost text: {lost}"
    return [
        one(f"{name}: events", "/s", events / seconds, note),
        one(f"{name}: characters", "/s", sum(ear.characters for ear in ears) / seconds),
        one(f"{name}: CPU an event", "us", sum(cost.cpu_seconds.values()) * 1e6 / events),
        cost.shares(),
    ]
