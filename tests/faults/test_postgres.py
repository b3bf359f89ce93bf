"""PostgreSQL away, locked, out of connections or full: refused in time, nothing half done, turns go on after it."""

import asyncio
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from uuid import UUID, uuid4

import psutil  # type: ignore[import-untyped, unused-ignore]
import pytest
from sqlalchemy import text

from faults.caller import Caller, said
from faults.world import World
from neo.db import Database, DatabaseUnavailable
from neo.db.database import SILENCE_SECONDS
from support.client import SESSIONS

ANSWER_SECONDS = 2.5
STREAMS = 20
AWAY_SECONDS = 15.0
# A start of PostgreSQL, and what retries wait for.
GO_ON_SECONDS = 5.0
SET_TENANT = text("SELECT set_config('neo.tenant_id', :tenant, true)")
LOCK_SESSION = text("SELECT id FROM chat_sessions WHERE id = :id FOR UPDATE")
LOCK_TURN = text("SELECT id FROM chat_turns WHERE id = :id FOR UPDATE")
FULL = text("""
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100';
END $$
""")
TRIGGER = text(
    "CREATE TRIGGER full_disk BEFORE INSERT ON chat_messages FOR EACH ROW EXECUTE FUNCTION full_disk()"
)
WAITING = text("SELECT 1 FROM pg_locks WHERE NOT granted")


async def test_f15_without_postgresql_every_request_is_503_and_a_running_turn_ends(world: World) -> None:
    session = await world.session("scripted:tokens=60,delay_ms=30")
    posted = await world.caller.say(session)
    reading = await world.caller.read(session, posted.since, until=said("w10 "))
    postgres = world.stack.engines["postgres"]

    await postgres.kill(signal.SIGKILL)
    path = f"{SESSIONS}/{session}"
    answers = [
        (await world.caller.post(session, f"say {uuid4()}", uuid4().hex)).answered,
        await world.caller.call("GET", f"{path}/messages"),
        await world.caller.call("GET", f"{path}/events"),
        await world.caller.call("POST", SESSIONS, json={"managed_agent_key": "NEO_SUPPORT"}),
    ]
    with world.recovers_within(10):
        await postgres.start()
        await world.caller.read(session, None, reading=reading)

    assert [(answer.status, answer.code) for answer in answers] == [(503, "database_unavailable")] * 4
    assert max(answer.answered_at - answer.sent_at for answer in answers) < ANSWER_SECONDS
    await world.stack.whole()
    assert [turn.status for turn in (await world.judged()).turns] == ["COMPLETED"]


async def test_f15_postgresql_is_away_under_twenty_streams_and_no_segment_is_begun_anew(world: World) -> None:
    """While it is away nobody can renew a lease, so that a lease that has passed says nothing of who had it."""
    agent = await world.agent("scripted:tokens=50,rounds=1,delay_ms=100")
    sessions = [await world.caller.open(agent) for _ in range(STREAMS)]
    posts = [await world.caller.say(session) for session in sessions]
    following = [asyncio.create_task(world.caller.read(post.session_id, post.since)) for post in posts]
    await asyncio.sleep(1)

    await world.stack.engines["postgres"].kill(signal.SIGKILL)
    # Each comes to the end of its first segment meanwhile, and cannot settle it.
    await asyncio.sleep(AWAY_SECONDS)
    back_at = time.time()
    await world.stack.engines["postgres"].start()
    readings = await asyncio.gather(*following)

    went_on = [next(event.at for event in reading.seen if event.at > back_at) for reading in readings]
    world.recovered(max(went_on) - back_at, GO_ON_SECONDS)
    assert {tuple(reading.terminals) for reading in readings} == {("finish",)}
    assert not any("data-turn-restarted" in reading.types for reading in readings)
    rest = await world.judged()
    assert {(turn.status, turn.attempts) for turn in rest.turns} == {("COMPLETED", 1)}
    assert {rest.calls[post.message] for post in posts} == {2}


async def test_f16_a_deadlock_is_answered_and_leaves_nothing_half_done(world: World) -> None:
    session = await world.session("scripted:tokens=200,delay_ms=50")
    posted = await world.caller.say(session)
    await world.caller.read(session, posted.since, until=said("w3 "))
    turn_id = str(posted.turn_id)

    # The order in which nobody locks: the turn first, then its session.
    # PostgreSQL ends one of both; where it is ours, the request goes on.
    with suppress(DatabaseUnavailable):
        async with world.stack.database.transaction(world.tenant_id) as db:
            await db.execute(LOCK_TURN, {"id": UUID(turn_id)})
            cancelling = asyncio.create_task(
                world.caller.call("POST", f"{SESSIONS}/{session}/turns/{turn_id}/cancel")
            )
            await until_waiting(world)
            await db.execute(LOCK_SESSION, {"id": UUID(session)})
    answered = await cancelling

    assert answered.status in (200, 503)
    again = await world.caller.call("POST", f"{SESSIONS}/{session}/turns/{turn_id}/cancel")
    assert again.status == 200
    reading = await world.caller.read(session, posted.since)
    assert reading.seen[-1].type == "abort"


async def until_waiting(world: World) -> None:
    """Until somebody waits for a lock."""
    async with asyncio.timeout(40):
        while True:
            async with world.stack.owner.without_tenant() as owner:
                if await owner.scalar(WAITING):
                    return
            await asyncio.sleep(0.02)


async def test_f17_without_a_free_connection_a_request_is_503_at_once_and_tails_need_none(
    world: World,
) -> None:
    process, port = world.stack.another_api("api-narrow", NEO_DATABASE_CONNECTIONS="3")
    await process.start()
    caller = Caller([f"http://127.0.0.1:{port}"], world.api_key, world.history)
    try:
        session = await caller.open()
        tails = [asyncio.create_task(caller.read(session, None, seconds=60)) for _ in range(50)]
        opened = [await caller.call("GET", SESSIONS) for _ in range(20)]
        async with world.stack.database.transaction(world.tenant_id) as db:
            await db.execute(LOCK_SESSION, {"id": UUID(session)})
            held = [asyncio.create_task(caller.post(session, f"held {n}", uuid4().hex)) for n in range(2)]
            await until_waiting(world)
            await until_all_are_busy(caller)
            began = time.monotonic()
            refused = await caller.call("GET", SESSIONS)
            took = time.monotonic() - began
        posted = [await one for one in held]
        await asyncio.gather(*tails)
    finally:
        await caller.aclose()
        await process.stop()

    assert {answer.status for answer in opened} == {200}
    assert (refused.status, refused.code) == (503, "database_unavailable")
    assert took < ANSWER_SECONDS
    assert [post.answered.status for post in posted] == [202, 202]


async def until_all_are_busy(caller: Caller) -> None:
    async with asyncio.timeout(40):
        while (await caller.call("GET", SESSIONS)).status != 503:
            await asyncio.sleep(0.02)


async def test_f32_a_full_disk_under_postgresql_is_503_and_stores_nothing(world: World) -> None:
    session = await world.caller.open()
    name, message = uuid4().hex, f"say {uuid4()}"
    async with world.stack.owner.without_tenant() as owner:
        await owner.execute(FULL)
        await owner.execute(TRIGGER)
    try:
        refused = await world.caller.post(session, message, name)
    finally:
        async with world.stack.owner.without_tenant() as owner:
            await owner.execute(text("DROP FUNCTION full_disk CASCADE"))

    assert (refused.answered.status, refused.answered.code) == (503, "database_unavailable")
    again = await world.caller.post(session, message, name)
    assert again.answered.status == 202
    rest = await world.judged()
    assert [turn.turn_no for turn in rest.turns] == [1]


async def test_f15_a_reader_goes_on_while_postgresql_is_away(world: World) -> None:
    session = await world.session("scripted:tokens=60,delay_ms=30")
    posted = await world.caller.say(session)
    reading = await world.caller.read(session, posted.since, until=said("w5 "))
    going_on = asyncio.create_task(world.caller.read(session, None, reading=reading))
    async with asyncio.timeout(40):
        while len(reading.ends) < 1 or not reading.seen:
            await asyncio.sleep(0.01)

    world.stack.engines["postgres"].freeze()
    before = len(reading.seen)
    async with asyncio.timeout(40):
        while len(reading.seen) < before + 5:
            await asyncio.sleep(0.01)
    world.stack.engines["postgres"].thaw()
    await going_on

    assert reading.terminals == ["finish"]


async def test_f15_of_a_frozen_postgresql_everyone_hears_in_time_also_who_comes_while_others_wait(
    world: World,
) -> None:
    assert (await world.caller.call("GET", SESSIONS)).status == 200

    with frozen(world.stack.engines["postgres"].pid):
        asked = []
        for _ in range(12):
            asked.append(asyncio.create_task(world.caller.call("GET", SESSIONS)))
            await asyncio.sleep(0.15)
        answers = await asyncio.gather(*asked)

    assert {(answer.status, answer.code) for answer in answers} == {(503, "database_unavailable")}
    assert max(answer.answered_at - answer.sent_at for answer in answers) < ANSWER_SECONDS
    await world.stack.whole()
    assert (await world.caller.call("GET", SESSIONS)).status == 200


@contextmanager
def frozen(postmaster: int) -> Iterator[None]:
    """A server that is reached and says nothing, on the connections of before too."""
    stopped = [psutil.Process(postmaster), *psutil.Process(postmaster).children()]
    for process in stopped:
        process.suspend()
    try:
        yield
    finally:
        for process in stopped:
            process.resume()


ENDS_SECONDS = 5 * SILENCE_SECONDS


async def test_f15_a_transaction_on_a_server_that_froze_meanwhile_ends(world: World) -> None:
    postgres = world.stack.engines["postgres"]
    database = Database(world.stack.addresses.database_url, statement_seconds=0.5)
    began = time.monotonic()
    try:
        with pytest.raises(DatabaseUnavailable), ExitStack() as cold:
            async with database.transaction(world.tenant_id) as db:
                cold.enter_context(frozen(postgres.pid))
                await db.execute(text("SELECT 1"))
    finally:
        await database.aclose()

    # It would wait without end. How long the machine takes for the rest of it is no matter.
    assert time.monotonic() - began < ENDS_SECONDS
    await world.stack.whole()
