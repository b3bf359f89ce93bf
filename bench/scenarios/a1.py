"""One user, an instant model of 50 tokens, one turn after the other: accept, first token, end."""

from collections.abc import Mapping

from bench.event_counter import characters_of
from bench.figures import Figure, one
from bench.idle import until_idle
from bench.load import Load, one_by_one
from bench.neo import Neo
from bench.neo_user import NeoUser

TITLE = "one user, an instant model of 50 tokens"
TOKENS = 50
WARM_TURNS = 30
TURNS = 200


async def run(neo: Neo) -> list[Figure]:
    user = NeoUser(neo)
    await user.begin()
    await one_by_one(user, WARM_TURNS)
    await until_idle(neo.parts)
    with neo.parts.measured() as cost:
        load = await one_by_one(user, TURNS)
        await until_idle(neo.parts)
    user.leave()
    return [*seen(load, TOKENS), cost.per("turn", len(load.turns)), neo.parts.memory()]


def seen(load: Load, tokens: int) -> list[Figure]:
    """What the users of a load saw."""
    return [
        Figure("accept", "ms", [turn.accept_ms for turn in load.turns]),
        Figure("first token", "ms", [turn.first_ms for turn in load.turns]),
        Figure("end", "ms", [turn.end_ms for turn in load.turns]),
        one("turns", "", len(load.turns), wrong(load, tokens)),
    ]


def wrong(load: Load, tokens: int) -> str:
    """All must be 0; a turn that was streamed again was told whole in the end."""
    short, again = load.short(characters_of(tokens)), load.again
    return f"short {short}, streamed again {again}, failed {_listed(load.failed)}, refused {_listed(load.refused)}"


def _listed(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {why}" for why, count in reasons.items()) or "0"
