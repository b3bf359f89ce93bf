"""Five tenants that post at the same rate, and then one of them at ten times that, on the same server in turns."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import asyncpg
from bench.figures import Figure, one, percentile
from bench.idle import driver_url, turns_ended, until_idle
from bench.load import Load, at_rate, begun
from bench.neo import Neo
from bench.neo_user import NeoUser
from bench.parts import Cost
from bench.scenarios.a1 import wrong
from bench.seeds import seeds_of

TITLE = "a noisy tenant at its share and at ten times its share, and four others"
OTHERS = 4
# Posts a second of each tenant: together a third of what 64 users reach back to back, and with the noise all of it.
SHARE = 6.0
NOISE = 10
TOKENS = 50
MODEL = f"tokens={TOKENS},delay_ms=10"
SECONDS = 6.0
WARM_SECONDS = 2.0
# The machine is slower in one minute than in the next.
ROUNDS = 2
# Sessions of each tenant: more than answer at once, so that a post need not wait for a session.
USERS = 20
NOISY_USERS = 300
LATEST_START = """
SELECT coalesce(max(extract(epoch FROM coalesce(started_at, now()) - created_at)), 0)::float
FROM chat_turns WHERE tenant_id <> $1 AND created_at >= $2
"""


@dataclass
class Window:
    """All rounds at one rate of the noisy tenant."""

    others: list[Load] = field(default_factory=list)
    noisy: list[Load] = field(default_factory=list)
    latest_start_ms: list[float] = field(default_factory=list)
    cost: list[Cost] = field(default_factory=list)

    @property
    def p95s(self) -> list[float]:
        return [percentile(firsts(load), 0.95) for load in self.others]


async def run(neo: Neo) -> list[Figure]:
    async with seeds_of(neo) as seeds:
        others = [await _users(await seeds.tenant(), USERS) for _ in range(OTHERS)]
        noisy = await _users(await seeds.tenant(), NOISY_USERS)
        noisy_id = seeds.tenant_id
    await _posting(others, noisy, SHARE, WARM_SECONDS)
    windows = {rate: Window() for rate in (SHARE, SHARE * NOISE)}
    for _ in range(ROUNDS):
        for rate, window in windows.items():
            await turns_ended(neo)
            await until_idle(neo.parts)
            began = datetime.now(UTC)
            with neo.parts.measured() as cost:
                of_others, of_noisy = await _posting(others, noisy, rate, SECONDS)
            window.others.append(of_others)
            window.noisy.append(of_noisy)
            window.cost.append(cost)
            window.latest_start_ms.append(await _latest_start_ms(neo, str(noisy_id), began))
    for user in (*noisy, *(user for each in others for user in each)):
        user.leave()
    at_share, at_ten = windows.values()
    return [*_figures("at its share", at_share), *_figures("at ten times", at_ten), _grown(at_share, at_ten)]


async def _users(neo: Neo, count: int) -> list[NeoUser]:
    agent_id = await neo.agent(MODEL)
    return await begun([NeoUser(neo, agent_id) for _ in range(count)])


async def _posting(
    others: Sequence[list[NeoUser]], noisy: list[NeoUser], noisy_rate: float, seconds: float
) -> tuple[Load, Load]:
    """The others' turns and the noisy tenant's, until all have ended."""
    *quiet, loud = await asyncio.gather(
        *(at_rate(users, SHARE, seconds, late=at / OTHERS) for at, users in enumerate(others)),
        at_rate(noisy, noisy_rate, seconds),
    )
    together = Load(seconds=max(load.seconds for load in quiet))
    for load in quiet:
        together.turns += load.turns
        together.refused += load.refused
    return together, loud


async def _latest_start_ms(neo: Neo, noisy_id: str, since: datetime) -> float:
    """The longest that a turn of the others waited from its message's acceptance to its start."""
    # Only the owner of the tables sees the turns of all tenants.
    connection = await asyncpg.connect(driver_url(neo, "database_owner_url"))
    try:
        return float(await connection.fetchval(LATEST_START, noisy_id, since)) * 1000
    finally:
        await connection.close()


def firsts(load: Load) -> list[float]:
    return [turn.first_ms for turn in load.turns]


def _figures(when: str, window: Window) -> list[Figure]:
    others, noisy = _all(window.others), _all(window.noisy)
    return [
        Figure(f"others, noisy {when}: first token", "ms", firsts(others), wrong(others, TOKENS)),
        one(
            f"others, noisy {when}: latest start",
            "ms",
            max(window.latest_start_ms),
            f"of {len(others.turns)} turns; each round: {_listed(window.latest_start_ms)}",
        ),
        Figure(f"noisy {when}: first token", "ms", firsts(noisy), wrong(noisy, TOKENS)),
        one(f"noisy {when}: turns", "/s", noisy.per_second, "of all rounds, until its last one has ended"),
        Cost.total(window.cost).shares(),
    ]


def _grown(at_share: Window, at_ten: Window) -> Figure:
    ratios = [ten / share for share, ten in zip(at_share.p95s, at_ten.p95s, strict=True)]
    note = (
        f"p95 of each round: {_listed(at_share.p95s)} ms at its share, {_listed(at_ten.p95s)} ms at ten times"
    )
    return one("others' p95 first token, ten times to share", "ratio", percentile(ratios, 0.5), note)


def _all(loads: Sequence[Load]) -> Load:
    whole = Load(seconds=sum(load.seconds for load in loads))
    for load in loads:
        whole.turns += load.turns
        whole.refused += load.refused
    return whole


def _listed(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.0f}" for value in values)
