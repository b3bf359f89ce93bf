"""300 streams at once of a model that takes 20 ms a token, 500 tokens: ideally 10 s."""

from itertools import chain

from bench.ear import lateness_ms
from bench.figures import Figure
from bench.load import all_at_once, begun
from bench.neo import Neo
from bench.neo_user import NeoUser
from bench.rest import settled
from bench.scenarios.a1 import wrong
from bench.straight import Probe

TITLE = "300 streams at once, 20 ms a token, 500 tokens: ideally 10 s"
STREAMS = 300
TOKENS = 500
DELAY_MS = 20
# All in one moment would be POST's burst once more; they still overlap for two thirds of the time.
RAMP_SECONDS = 3.0
MODEL = f"tokens={TOKENS},delay_ms={DELAY_MS}"


async def run(neo: Neo) -> list[Figure]:
    agent_id = await neo.agent(MODEL)
    users = await begun([NeoUser(neo, agent_id) for _ in range(STREAMS)])
    await settled(neo.parts)
    with neo.parts.measured() as cost:
        async with Probe(neo, MODEL) as probe:
            load = await all_at_once(users, ramp_seconds=RAMP_SECONDS)
            memory = neo.parts.memory()
        await settled(neo.parts)
    for user in users:
        user.leave()
    late = list(chain.from_iterable(lateness_ms(turn, TOKENS, DELAY_MS) for turn in load.turns))
    begins = list(
        chain.from_iterable(
            _since_first(turn.first_ms, lateness_ms(turn, TOKENS, DELAY_MS)) for turn in load.turns
        )
    )
    return [
        Figure("accept", "ms", [turn.accept_ms for turn in load.turns], "begun over 3 s"),
        Figure("first token", "ms", [turn.first_ms for turn in load.turns]),
        Figure("end", "ms", [turn.end_ms for turn in load.turns], wrong(load, TOKENS)),
        probe.figure("end, straight from the model"),
        Figure("lateness of a token", "ms", late, "against the post, the model's own included"),
        Figure("lateness after the first token", "ms", begins, "against the turn's first token"),
        cost.per("turn", len(load.turns)),
        cost.shares(),
        memory,
    ]


def _since_first(first_ms: float, late: list[float]) -> list[float]:
    return [each - first_ms for each in late]
