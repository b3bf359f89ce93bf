"""64 users back to back, beside a bare workflow on the same Temporal and a bare stream without anything."""

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.children import told
from bench.figures import Figure, one
from bench.idle import LOOK_SECONDS, until_idle
from bench.load import Load, back_to_back, begun
from bench.neo import Neo
from bench.neo_user import NeoUser
from bench.parts import Cost
from bench.peers import bare
from bench.peers.peer import PeerUser, peer_running
from bench.scenarios.a1 import TOKENS, seen

TITLE = "64 users back to back, an instant model of 50 tokens"
USERS = 64
WARM_SECONDS = 2.0
SECONDS = 10.0
BARE_SECONDS = 6.0
CEILING_SECONDS = 3.0
# Longer than a backlog of a window takes.
BEHIND_SECONDS = 60.0
# Taken in turns, because the machine has a fast and a slow time.
ROUNDS = 2


@dataclass(frozen=True)
class Round:
    load: Load
    # How long Temporal was busy with these turns after the last of their readers had its end, and with the workflows.
    behind_seconds: float
    bare_behind_seconds: float
    cost: Cost
    bare: dict[str, Any]
    bare_cost: Cost

    @property
    def sustained(self) -> float:
        """Turns a second that could go on for ever: what is put off is counted to what it is put off from."""
        return len(self.load.turns) / (self.load.seconds + self.behind_seconds)

    @property
    def bare_sustained(self) -> float:
        turns, per_second = float(self.bare["turns"]), float(self.bare["per_second"])
        return turns / (turns / per_second + self.bare_behind_seconds)


async def run(neo: Neo) -> list[Figure]:
    users = await begun([NeoUser(neo) for _ in range(USERS)])
    await back_to_back(users, WARM_SECONDS)
    rounds = [await _round(neo, users) for _ in range(ROUNDS)]
    for user in users:
        user.leave()
    return [*_rates(rounds, await _ceiling()), *_spent(rounds), neo.parts.memory()]


async def _round(neo: Neo, users: list[NeoUser]) -> Round:
    await until_idle(neo.parts)
    with neo.parts.measured() as cost:
        load = await back_to_back(users, SECONDS)
    with neo.parts.measured() as closing:
        behind_seconds = await _rested(neo)
    # What is still to be done after the last end is the turns' own, but was no part of the window.
    cost.cpu_seconds = (cost + closing).cpu_seconds
    address = neo.addresses["temporal_address"]
    with neo.parts.measured() as bare_cost:
        found = await told(
            "bench.baselines.workflow", address, "--users", str(USERS), "--seconds", str(BARE_SECONDS)
        )
        bare_behind_seconds = await _rested(neo)
    return Round(load, behind_seconds, bare_behind_seconds, cost, found, bare_cost)


async def _rested(neo: Neo) -> float:
    return max(0.0, await until_idle(neo.parts, BEHIND_SECONDS) - LOOK_SECONDS)


async def _ceiling() -> Load:
    async with peer_running(bare.PEER, Path(sys.executable), {}) as running:
        message = f"tokens={TOKENS}"
        users = await begun([PeerUser(running.port, bare.PEER.speech, message) for _ in range(USERS)])
        return await back_to_back(users, CEILING_SECONDS)


def _rates(rounds: list[Round], ceiling: Load) -> list[Figure]:
    load = Load(
        [turn for each in rounds for turn in each.load.turns],
        sum((each.load.refused for each in rounds), Counter()),
        sum(each.load.seconds for each in rounds),
    )
    rates, bare_rates = [each.sustained for each in rounds], [each.bare_sustained for each in rounds]
    ratios = [mine / theirs for mine, theirs in zip(rates, bare_rates, strict=True)]
    behind = _each([each.behind_seconds for each in rounds])
    return [
        one("turns", "/s", load.per_second, _each([each.load.per_second for each in rounds])),
        one("turns, sustained", "/s", fmean(rates), f"{_each(rates)}; Temporal was behind by s: {behind}"),
        one("tokens", "/s", load.per_second * TOKENS),
        *seen(load, TOKENS),
        one(
            "bare workflows, sustained",
            "/s",
            fmean(bare_rates),
            f"one plain activity, same Temporal; {_each(bare_rates)}",
        ),
        one("sustained turns to bare workflows", "ratio", fmean(ratios), _each(ratios)),
        one("bare streams", "/s", ceiling.per_second, "raw ASGI on uvicorn, nothing stored: the ceiling"),
    ]


def _spent(rounds: list[Round]) -> list[Figure]:
    turns = sum(len(each.load.turns) for each in rounds)
    workflows = sum(each.bare["turns"] for each in rounds)
    total = Cost.total([each.cost for each in rounds])
    temporal = sum(each.bare_cost.cpu_seconds["temporal"] for each in rounds)
    worker = sum(each.bare["cpu_seconds"] for each in rounds)
    note = (
        f"temporal {temporal * 1000 / workflows:.1f}, its worker and client {worker * 1000 / workflows:.1f}"
    )
    each_ms = (temporal + worker) * 1000 / workflows
    return [total.per("turn", turns), one("CPU a bare workflow", "ms", each_ms, note), total.shares()]


def _each(values: list[float]) -> str:
    return "rounds " + ", ".join(f"{value:.2f}" if value < 10 else f"{value:.0f}" for value in values)
