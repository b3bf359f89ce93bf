"""A turn of 10,000 events read again: from its start, from its middle, and rebuilt when the stream is gone.

Neo merges what comes within 25 ms, so such a turn would take minutes to say: it is said quickly and cut into words.
"""

import re
from time import perf_counter

from bench.event_counter import EventCounter, characters_of
from bench.figures import Figure, one
from bench.idle import until_idle
from bench.neo import Neo
from bench.neo_user import TEXT, NeoUser
from bench.recut import recut
from redis.asyncio import Redis

TITLE = "a turn of 10,000 events, read again"
TOKENS = 10_000
MODEL = f"tokens={TOKENS},delay_ms=1"
READINGS = 10
ID = re.compile(rb"^id: (.+)$", re.MULTILINE)


async def run(neo: Neo) -> list[Figure]:
    user = NeoUser(neo, await neo.agent(MODEL))
    await user.begin()
    since, ids, began = (await user.post())[0], list[bytes](), perf_counter()
    live = await _heard(user, since, ids)
    live_seconds = perf_counter() - began
    await until_idle(neo.parts)
    await recut(neo, user.session_id)
    ids.clear()
    await _heard(user, since, ids)
    middle = ids[len(ids) // 2].decode()
    start = await _read(neo, user, "from the start", since, live.characters)
    half = await _read(neo, user, "from the middle", middle, 0)
    async with Redis.from_url(neo.addresses["redis_url"]) as valkey:
        await valkey.unlink(f"neo:{{{user.session_id}}}:events")
    rebuilt = await _read(neo, user, "rebuilt from PostgreSQL", since, live.characters)
    user.leave()
    told = (
        f"{live.events} events in {live_seconds:.1f} s; short {int(live.characters != characters_of(TOKENS))}"
    )
    return [one("said live", "events/s", live.events / live_seconds, told), *start, *half, *rebuilt]


async def _read(neo: Neo, user: NeoUser, name: str, since: str, characters: int) -> list[Figure]:
    times: list[float] = []
    counters: list[EventCounter] = []
    with neo.parts.measured() as cost:
        for _ in range(READINGS):
            began = perf_counter()
            counters.append(await _heard(user, since, []))
            times.append((perf_counter() - began) * 1000)
    short = sum(1 for counter in counters if characters and counter.characters != characters)
    note = f"{counters[0].events} events, {counters[0].characters} characters; short {short}"
    return [Figure(f"{name}: to the end", "ms", times, note), cost.per("reading", READINGS)]


async def _heard(user: NeoUser, since: str, ids: list[bytes]) -> EventCounter:
    counter = EventCounter(TEXT)

    def on_data(data: bytes) -> None:
        counter.receive(data)
        ids.extend(ID.findall(data))

    await user.tail(on_data, since)
    return counter
