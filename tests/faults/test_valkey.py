"""Valkey away, emptied, behind, stalled or full: messages are accepted, turns end, and readers are told."""

import asyncio
import shutil
import time
from pathlib import Path

import pytest

from faults.caller import said
from faults.history import Posted, Reading
from faults.world import World

ACCEPT_SECONDS = 1.0
COUNTING = "scripted:tokens=60,delay_ms=30"


async def counting(world: World) -> tuple[Posted, Reading]:
    """A turn that has said a few words, and its reader."""
    session = await world.session(COUNTING)
    posted = await world.caller.say(session)
    reading = await world.caller.read(session, posted.since, until=said("w10 "))
    return posted, reading


def kept_files(world: World) -> Path:
    return world.stack.plan.folder.valkey / "appendonlydir"


async def test_f10_without_valkey_messages_are_accepted_and_answered(world: World) -> None:
    session = await world.caller.open()
    await world.stack.engines["valkey"].kill()

    posted = await world.caller.say(session)

    assert posted.answered.answered_at - posted.answered.sent_at < ACCEPT_SECONDS
    with world.recovers_within(10):
        reading = await world.caller.read(session, posted.since)
    assert reading.terminals == ["finish"]
    await world.stack.whole()
    assert [turn.status for turn in (await world.judged()).turns] == ["COMPLETED"]


async def test_f11_valkey_comes_back_empty_in_mid_turn(world: World) -> None:
    posted, reading = await counting(world)
    valkey = world.stack.engines["valkey"]
    open_tail = asyncio.create_task(world.caller.read(posted.session_id, posted.since))

    await valkey.kill()
    shutil.rmtree(kept_files(world))
    with world.recovers_within(5):
        await valkey.start()
        await world.caller.read(posted.session_id, None, reading=reading)

    told = {"data-stream-reset", "data-turn-restarted"}
    assert told & set(reading.types)
    assert (await open_tail).terminals == reading.terminals == ["finish"]
    await world.judged()


async def test_f12_valkey_loses_its_newest_events(world: World) -> None:
    posted, reading = await counting(world)
    valkey = world.stack.engines["valkey"]

    await valkey.kill()
    [log] = kept_files(world).glob("*.incr.aof")
    with log.open("r+b") as file:
        file.truncate(log.stat().st_size - 400)
    with world.recovers_within(5):
        await valkey.start()
        await world.caller.read(posted.session_id, None, reading=reading)

    assert reading.terminals == ["finish"]
    await world.judged()


async def test_f13_valkey_stalls_and_nobody_waits_for_it(world: World) -> None:
    posted, reading = await counting(world)
    valkey = world.stack.engines["valkey"]

    valkey.freeze()
    began = time.monotonic()
    later = await world.caller.say(posted.session_id)
    read = await world.caller.call("GET", f"/public-api/chat/sessions/{posted.session_id}/messages")
    took = time.monotonic() - began
    valkey.thaw()
    for one in (posted, later):
        await world.caller.read(one.session_id, one.since)
    await world.caller.read(posted.session_id, None, reading=reading)

    assert read.status == 200
    world.recovered(took, 5)
    await world.judged()


@pytest.mark.parametrize("fault", ["cut", "stall", "slow"])
async def test_f13_the_line_of_one_api_fails_and_its_readers_lose_nothing(world: World, fault: str) -> None:
    session = await world.session(COUNTING, api=1)
    posted = await world.caller.say(session, api=1)
    since = posted.since
    line = world.stack.api_lines["valkey"]
    reading = await world.caller.read(session, since, api=1, until=said("w10 "))
    going_on = asyncio.create_task(world.caller.read(session, None, api=1, reading=reading))

    if fault == "cut":
        line.cut()
    elif fault == "stall":
        line.stall()
    else:
        line.delay_seconds = 0.3
    beside = await world.caller.read(session, since, api=0)
    line.mend()
    await going_on

    assert beside.terminals == reading.terminals == ["finish"]
    await world.judged()


async def test_f14_valkey_is_full_and_turns_end(world: World) -> None:
    session = await world.session(COUNTING)
    valkey = world.stack.valkey
    used = int((await valkey.info("memory"))["used_memory"])
    await valkey.call("CONFIG", "SET", "maxmemory", used)
    try:
        posted = await world.caller.say(session)
        with world.recovers_within(10):
            reading = await world.caller.read(session, posted.since)
    finally:
        await valkey.call("CONFIG", "SET", "maxmemory", 0)

    assert reading.terminals == ["finish"]
    await world.judged()


async def test_f32_the_disk_under_valkey_is_full_and_turns_end(world: World) -> None:
    """The next append-only file is `/dev/full`, where every write fails as on a full disk."""
    session = await world.session(COUNTING)
    valkey = world.stack.valkey
    await fill_disk(world)
    try:
        posted = await world.caller.say(session)
        with world.recovers_within(10):
            reading = await world.caller.read(session, posted.since)
    finally:
        await valkey.call("CONFIG", "SET", "appendonly", "no")
        await world.stack.engines["valkey"].kill()
        shutil.rmtree(kept_files(world))

    assert reading.terminals == ["finish"]
    await world.stack.whole()
    await world.judged()


async def fill_disk(world: World) -> None:
    from neo.streams import StreamsUnavailable

    newest = max(int(file.name.split(".")[2]) for file in kept_files(world).glob("*.incr.aof"))
    (kept_files(world) / f"appendonly.aof.{newest + 1}.incr.aof").symlink_to("/dev/full")
    await world.stack.valkey.call("BGREWRITEAOF")
    async with asyncio.timeout(40):
        while True:
            try:
                await world.stack.valkey.call("SET", "probe", "x")
            except StreamsUnavailable:
                return
            await asyncio.sleep(0.05)
