"""Fan-out: one session with 200 tails, and 200 sessions with one tail each, of a fast model."""

import asyncio
from time import perf_counter

from bench.appending import appender, running_turn
from bench.event_counter import EventCounter, characters_of
from bench.figures import Figure, one
from bench.http_connection import OnData
from bench.idle import until_idle
from bench.load import all_at_once, begun
from bench.neo import Neo
from bench.neo_user import TEXT, NeoUser
from bench.parts import Cost
from bench.scenarios.a1 import wrong
from bench.tails import close_tails, open_tails

TITLE = "one session with 200 tails, and 200 sessions with one"
TAILS = 200
# A millisecond between two tokens keeps most of them apart; without it the turn is a few large deltas.
ONE_TOKENS = 3000
EACH_TOKENS = 300
DELAY = "delay_ms=1"
RAMP_SECONDS = 2.0
HEARD_SECONDS = 60.0
LOOK_SECONDS = 0.05
# Appended by a writer that waits for nobody.
APPENDED = 10_000
ID = b"\nid: "


async def run(neo: Neo) -> list[Figure]:
    return [
        *await _one_session(neo),
        *await _each_its_own(neo),
        *await _as_fast_as_they_go(neo),
        neo.parts.memory(),
    ]


async def _one_session(neo: Neo) -> list[Figure]:
    poster = NeoUser(neo, await neo.agent(f"tokens={ONE_TOKENS},{DELAY}"))
    await poster.begin()
    users = await begun([NeoUser(neo, session_id=poster.session_id) for _ in range(TAILS)])
    counters = [EventCounter(TEXT) for _ in users]
    tails = await open_tails(users, [counter.receive for counter in counters])
    await until_idle(neo.parts)
    with neo.parts.measured() as cost:
        await poster.post()
        seconds = await _all_heard(counters, characters_of(ONE_TOKENS))
    ended = await close_tails(users, tails)
    poster.leave()
    return _told("one session, 200 tails", counters, ONE_TOKENS, seconds, cost, f"; {ended}")


async def _all_heard(counters: list[EventCounter], characters: int) -> float:
    """From the first text that anybody heard to the last."""
    until = perf_counter() + HEARD_SECONDS
    # To ask now and then costs less than to be told with each piece.
    while perf_counter() < until and any(counter.characters < characters for counter in counters):  # noqa: ASYNC110
        await asyncio.sleep(LOOK_SECONDS)
    moments = [moment for counter in counters for moment, _ in counter.moments]
    return max(moments) - min(moments)


async def _each_its_own(neo: Neo) -> list[Figure]:
    agent_id = await neo.agent(f"tokens={EACH_TOKENS},{DELAY}")
    users = await begun([NeoUser(neo, agent_id) for _ in range(TAILS)])
    await until_idle(neo.parts)
    with neo.parts.measured() as cost:
        load = await all_at_once(users, ramp_seconds=RAMP_SECONDS)
    for user in users:
        user.leave()
    counters = [turn.counter for turn in load.turns]
    return _told(
        "200 sessions, one tail each",
        counters,
        EACH_TOKENS,
        load.seconds,
        cost,
        f"; {wrong(load, EACH_TOKENS)}",
    )


async def _as_fast_as_they_go(neo: Neo) -> list[Figure]:
    poster = NeoUser(neo)
    await poster.begin()
    users = await begun([NeoUser(neo, session_id=poster.session_id) for _ in range(TAILS)])
    counts, last = [0] * TAILS, [0.0]
    async with running_turn(neo, poster.session_id), appender(neo, poster.session_id, APPENDED) as writer:
        tails = await open_tails(users, [_counting(counts, tail, last) for tail in range(TAILS)])
        await until_idle(neo.parts)
        with neo.parts.measured() as cost:
            began = perf_counter()
            await _said(writer)
            while min(counts) < APPENDED and perf_counter() < began + HEARD_SECONDS:  # noqa: ASYNC110
                await asyncio.sleep(LOOK_SECONDS)
        ended = await close_tails(users, tails)
    poster.leave()
    seconds, events, short = last[0] - began, sum(counts), sum(count != APPENDED for count in counts)
    name = "one session, 200 tails, as fast as they go"
    note = f"{APPENDED} events a tail in {seconds:.1f} s; tails that lost or repeated any: {short}; {ended}"
    return [
        one(f"{name}: events", "/s", events / seconds, note),
        one(f"{name}: CPU an event", "us", sum(cost.cpu_seconds.values()) * 1e6 / events),
        cost.shares(),
    ]


def _counting(counts: list[int], tail: int, last: list[float]) -> OnData:
    """Less than an counter does: with a million events a second the client would be what is measured."""
    before = b""

    def on_data(data: bytes) -> None:
        nonlocal before
        # What is cut in two is counted with its second half.
        counts[tail] += (before + data).count(ID)
        before = data[1 - len(ID) :]
        last[0] = perf_counter()

    return on_data


async def _said(writer: asyncio.subprocess.Process) -> None:
    assert writer.stdin is not None
    writer.stdin.write(b"go\n")
    await writer.stdin.drain()


def _told(
    name: str, counters: list[EventCounter], tokens: int, seconds: float, cost: Cost, said: str
) -> list[Figure]:
    events, whole = sum(counter.events for counter in counters), characters_of(tokens)
    lost = TAILS - sum(1 for counter in counters if counter.characters == whole)
    note = f"{events // len(counters)} events a tail in {seconds:.1f} s; tails that lost text: {lost}{said}"
    return [
        one(f"{name}: events", "/s", events / seconds, note),
        one(f"{name}: characters", "/s", sum(counter.characters for counter in counters) / seconds),
        one(f"{name}: CPU an event", "us", sum(cost.cpu_seconds.values()) * 1e6 / events),
        cost.shares(),
    ]
