"""Three shapes side by side on the same engines, and bare workflows beside them: one user, then 64 back to back."""

from dataclasses import dataclass, field

from bench.children import told
from bench.figures import Figure, one
from bench.load import Load, back_to_back, begun, one_by_one
from bench.neo import Neo
from bench.neo_user import NeoUser
from bench.scenarios.a1 import TOKENS, wrong
from bench.shapes import SHAPES, Engines, Shape, engines_for_shapes, shape_running

TITLE = "one process, APIs with workers, APIs and workers apart"
USERS = 64
WARM_TURNS = 20
TURNS = 100
SECONDS = 8.0
BARE_SECONDS = 5.0
# The shapes take turns, because the machine has a fast and a slow time.
ROUNDS = 2


@dataclass
class Seen:
    alone: list[Load] = field(default_factory=list)
    together: list[Load] = field(default_factory=list)


async def run(_neo: Neo) -> list[Figure]:
    seen = {shape.name: Seen() for shape in SHAPES}
    bare: list[float] = []
    async with engines_for_shapes() as engines:
        for _ in range(ROUNDS):
            for shape in SHAPES:
                await _measure(engines, shape, seen[shape.name])
            bare.append(await _bare(engines))
    shown = [figure for name, one_shape in seen.items() for figure in _figures(name, one_shape)]
    return [*shown, Figure("bare workflows", "/s", bare, "64 at once, one plain activity, same Temporal")]


async def _measure(engines: Engines, shape: Shape, seen: Seen) -> None:
    async with shape_running(engines, shape) as neos:
        user = NeoUser(neos[0])
        await user.begin()
        await one_by_one(user, WARM_TURNS)
        seen.alone.append(await one_by_one(user, TURNS))
        users = await begun([NeoUser(neos[at % len(neos)]) for at in range(USERS)])
        seen.together.append(await back_to_back(users, SECONDS))
        for leaving in (user, *users):
            leaving.leave()


async def _bare(engines: Engines) -> float:
    address = engines.addresses["temporal_address"]
    asked = ("--users", str(USERS), "--seconds", str(BARE_SECONDS))
    return float((await told("bench.baselines.workflow", address, *asked))["per_second"])


def _figures(name: str, seen: Seen) -> list[Figure]:
    alone = [turn for load in seen.alone for turn in load.turns]
    together = [turn for load in seen.together for turn in load.turns]
    all_turns = Load([*alone, *together])
    return [
        Figure(f"{name}: accept, one user", "ms", [turn.accept_ms for turn in alone]),
        Figure(f"{name}: first token, one user", "ms", [turn.first_ms for turn in alone]),
        Figure(f"{name}: first token, {USERS} users", "ms", [turn.first_ms for turn in together]),
        Figure(f"{name}: turns", "/s", [load.per_second for load in seen.together]),
        one(f"{name}: all turns", "", len(all_turns.turns), wrong(all_turns, TOKENS)),
    ]
