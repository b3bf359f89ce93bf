"""What grows: transcripts of 10 to 10,000 messages, and tenants of 10 and of 100,000 sessions."""

from bench.figures import Figure
from bench.load import begun, one_by_one
from bench.neo import Neo
from bench.neo_user import NeoUser
from bench.rest import settled
from bench.seeds import Seeds, seeds_of

TITLE = "long transcripts, and tenants of many sessions"
LENGTHS = (10, 100, 1_000, 10_000)
# Each is read by one turn only: the next one goes on from the provider's own memory.
SESSIONS = 10
TENANT_SIZES = (10, 100_000)
TURNS = 40


async def run(neo: Neo) -> list[Figure]:
    async with seeds_of(neo) as seeds:
        lengths = [figure for length in LENGTHS for figure in await _transcripts(neo, seeds, length)]
        sizes = [figure for size in TENANT_SIZES for figure in await _tenant(neo, seeds, size)]
    return [*lengths, *sizes]


async def _transcripts(neo: Neo, seeds: Seeds, messages: int) -> list[Figure]:
    await seeds.tenant()
    sessions = [await seeds.session(messages) for _ in range(SESSIONS)]
    await seeds.analyze()
    users = [NeoUser(seeds.neo, session_id=session_id) for session_id in sessions]
    await begun(users)
    await settled(neo.parts)
    whole = [(await one_by_one(user, 1)).turns[0] for user in users]
    after = [turn for user in users for turn in (await one_by_one(user, TURNS // SESSIONS)).turns]
    for user in users:
        user.leave()
    name = f"{messages:,} messages"
    return [
        Figure(f"{name}: accept", "ms", [turn.accept_ms for turn in [*whole, *after]]),
        Figure(
            f"{name}: first token, all told",
            "ms",
            [turn.first_ms for turn in whole],
            "the transcript is sent",
        ),
        Figure(
            f"{name}: first token, continued",
            "ms",
            [turn.first_ms for turn in after],
            "the provider remembers",
        ),
    ]


async def _tenant(neo: Neo, seeds: Seeds, sessions: int) -> list[Figure]:
    await seeds.tenant()
    await seeds.empty_sessions(sessions)
    await seeds.analyze()
    user = NeoUser(seeds.neo)
    await user.begin()
    await settled(neo.parts)
    turns = (await one_by_one(user, TURNS)).turns
    lists = [await seeds.list_ms() for _ in range(TURNS)]
    user.leave()
    name = f"{sessions:,} sessions"
    return [
        Figure(f"{name}: accept", "ms", [turn.accept_ms for turn in turns]),
        Figure(f"{name}: first token", "ms", [turn.first_ms for turn in turns]),
        Figure(f"{name}: list the newest 50", "ms", lists),
    ]
