"""What grows: transcripts of 10 to 10,000 messages, and tenants of 10 and of 100,000 sessions."""

from collections.abc import Mapping, Sequence

from bench.event_counter import Turn
from bench.figures import Figure, one, percentile
from bench.idle import until_idle
from bench.load import begun, one_by_one
from bench.neo import Neo
from bench.neo_user import NeoUser
from bench.seeds import Seeds, seeds_of

TITLE = "long transcripts, and tenants of many sessions"
LENGTHS = (10, 100, 1_000, 10_000)
# Each is read by one turn only: the next one goes on from the provider's own memory.
SESSIONS = 10
TENANT_SIZES = (10, 100_000)
# All of what is compared takes turns, for the machine is slower in one minute than in the next.
TURNS = 100


async def run(neo: Neo) -> list[Figure]:
    async with seeds_of(neo) as seeds:
        return [*await _transcripts(seeds), *await _tenants(seeds)]


async def _transcripts(seeds: Seeds) -> list[Figure]:
    await seeds.tenant()
    users = {length: await _with_transcripts(seeds, length) for length in LENGTHS}
    await seeds.analyze()
    await until_idle(seeds.neo.parts)
    whole = await _in_turns(users, SESSIONS)
    after = await _in_turns(users, TURNS)
    _leave(users)
    accepts = {length: [turn.accept_ms for turn in (*whole[length], *after[length])] for length in LENGTHS}
    figures = [
        figure
        for length in LENGTHS
        for figure in (
            Figure(f"{length:,} messages: accept", "ms", accepts[length]),
            _first(f"{length:,} messages: first token, all told", whole[length], "the transcript is sent"),
            _first(f"{length:,} messages: first token, continued", after[length], "the provider remembers"),
        )
    ]
    return [*figures, _grown("messages: accept", accepts)]


async def _with_transcripts(seeds: Seeds, messages: int) -> list[NeoUser]:
    sessions = [await seeds.session(messages) for _ in range(SESSIONS)]
    return await begun([NeoUser(seeds.neo, session_id=session_id) for session_id in sessions])


async def _tenants(seeds: Seeds) -> list[Figure]:
    neos = {size: await _with_sessions(seeds, size) for size in TENANT_SIZES}
    users = {size: await begun([NeoUser(neo)]) for size, neo in neos.items()}
    await seeds.analyze()
    await until_idle(seeds.neo.parts)
    turns = await _in_turns(users, TURNS)
    _leave(users)
    accepts = {size: [turn.accept_ms for turn in turns[size]] for size in TENANT_SIZES}
    lists: dict[int, list[float]] = {size: [] for size in TENANT_SIZES}
    for _ in range(TURNS):
        for size, neo in neos.items():
            lists[size].append(await seeds.list_ms(neo))
    figures = [
        figure
        for size in TENANT_SIZES
        for figure in (
            Figure(f"{size:,} sessions: accept", "ms", accepts[size]),
            _first(f"{size:,} sessions: first token", turns[size]),
            Figure(f"{size:,} sessions: list the newest 50", "ms", lists[size]),
        )
    ]
    return [*figures, _grown("sessions: accept", accepts), _grown("sessions: list the newest 50", lists)]


async def _with_sessions(seeds: Seeds, count: int) -> Neo:
    await seeds.tenant()
    await seeds.empty_sessions(count)
    return seeds.neo


async def _in_turns(users: Mapping[int, Sequence[NeoUser]], count: int) -> dict[int, list[Turn]]:
    """So many turns of each size, one of each after the other."""
    turns: dict[int, list[Turn]] = {size: [] for size in users}
    for at in range(count):
        for size, of_size in users.items():
            turns[size] += (await one_by_one(of_size[at % len(of_size)], 1)).turns
    return turns


def _leave(users: Mapping[int, Sequence[NeoUser]]) -> None:
    for of_size in users.values():
        for user in of_size:
            user.leave()


def _first(name: str, turns: Sequence[Turn], note: str = "") -> Figure:
    return Figure(name, "ms", [turn.first_ms for turn in turns], note)


def _grown(name: str, values: Mapping[int, Sequence[float]]) -> Figure:
    few, many = min(values), max(values)
    ratio = percentile(values[many], 0.5) / percentile(values[few], 0.5)
    return one(f"{many:,} to {few} {name}", "ratio", ratio)
