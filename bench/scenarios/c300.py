"""300 streams at once of a model that takes 20 ms a token, 500 tokens: ideally 10 s."""

from collections.abc import Sequence
from itertools import chain

from bench.direct import Probe
from bench.event_counter import lateness_ms
from bench.figures import Figure, percentile
from bench.idle import until_idle
from bench.load import Load, all_at_once, begun
from bench.neo import Neo
from bench.neo_user import NeoUser
from bench.parts import Cost
from bench.scenarios.a1 import wrong

TITLE = "300 streams at once, 20 ms a token, 500 tokens: ideally 10 s"
STREAMS = 300
TOKENS = 500
DELAY_MS = 20
# All in one moment would be POST's burst once more; they still overlap for two thirds of the time.
RAMP_SECONDS = 3.0
MODEL = f"tokens={TOKENS},delay_ms={DELAY_MS}"
# One answer's time is short, and the machine is slower in one minute than in the next.
ROUNDS = 3


async def run(neo: Neo) -> list[Figure]:
    agent_id = await neo.agent(MODEL)
    async with Probe(neo, MODEL) as probe:
        rounds = [await _round(neo, agent_id) for _ in range(ROUNDS)]
    load = Load()
    for one_load, _ in rounds:
        load.turns += one_load.turns
        load.refused += one_load.refused
    cost = Cost.total([one_cost for _, one_cost in rounds])
    late = [_late(one_load) for one_load, _ in rounds]
    begins = [_late(one_load, since_first=True) for one_load, _ in rounds]
    return [
        Figure("accept", "ms", [turn.accept_ms for turn in load.turns], "begun over 3 s"),
        Figure("first token", "ms", [turn.first_ms for turn in load.turns]),
        Figure("end", "ms", [turn.end_ms for turn in load.turns], wrong(load, TOKENS)),
        probe.figure("end, straight from the model"),
        _lateness("lateness of a token", late, "against the post, the model's own included"),
        _lateness("lateness after the first token", begins, "against the turn's first token"),
        cost.per("turn", len(load.turns)),
        cost.shares(),
        neo.parts.memory(),
    ]


async def _round(neo: Neo, agent_id: int) -> tuple[Load, Cost]:
    """In new sessions: a session that goes on has a transcript to read."""
    users = await begun([NeoUser(neo, agent_id) for _ in range(STREAMS)])
    await until_idle(neo.parts)
    with neo.parts.measured() as cost:
        load = await all_at_once(users, ramp_seconds=RAMP_SECONDS)
        await until_idle(neo.parts)
    for user in users:
        user.leave()
    return load, cost


def _late(load: Load, *, since_first: bool = False) -> list[float]:
    return [
        each - (turn.first_ms if since_first else 0)
        for turn in load.turns
        for each in lateness_ms(turn, TOKENS, DELAY_MS)
    ]


def _lateness(name: str, rounds: Sequence[Sequence[float]], note: str) -> Figure:
    worst = ", ".join(f"{percentile(late, 0.99):.0f}" for late in rounds)
    return Figure(name, "ms", list(chain.from_iterable(rounds)), f"{note}; p99 of each round: {worst}")
