"""200 users, a model of 10 ms a token and 50 tokens, so that a turn should take 500 ms."""

from bench.direct import Probe
from bench.figures import Figure, one
from bench.idle import until_idle
from bench.load import back_to_back, begun
from bench.neo import Neo
from bench.neo_user import NeoUser
from bench.scenarios.a1 import seen

TITLE = "200 users, 10 ms a token, 50 tokens: ideally 500 ms"
USERS = 200
TOKENS = 50
MODEL = f"tokens={TOKENS},delay_ms=10"
WARM_SECONDS = 2.0
# All in one moment would be POST's burst once more.
RAMP_SECONDS = 2.0
SECONDS = 10.0


async def run(neo: Neo) -> list[Figure]:
    agent_id = await neo.agent(MODEL)
    users = await begun([NeoUser(neo, agent_id) for _ in range(USERS)])
    await back_to_back(users, WARM_SECONDS, ramp_seconds=RAMP_SECONDS)
    await until_idle(neo.parts)
    with neo.parts.measured() as cost:
        async with Probe(neo, MODEL) as probe:
            load = await back_to_back(users, SECONDS, ramp_seconds=RAMP_SECONDS)
        await until_idle(neo.parts)
    for user in users:
        user.leave()
    return [
        *seen(load, TOKENS),
        probe.figure("end, straight from the model"),
        one("turns", "/s", load.per_second),
        cost.per("turn", len(load.turns)),
        cost.shares(),
        neo.parts.memory(),
    ]
