"""Readers that are cut, gone or slow, and streams that no longer have what they ask for."""

import asyncio
import random
import socket
import struct
import time
from collections.abc import Callable
from uuid import UUID

import psutil  # type: ignore[import-untyped, unused-ignore]

from faults.caller import Caller
from faults.history import Reading
from faults.stack import SEND_SECONDS
from faults.world import World
from neo.events import Position
from neo.events.entry import stream_key
from support.client import SESSIONS

CYCLES = 400
CYCLES_SECONDS = 60
READERS = 100
RESET = struct.pack("ii", 1, 0)


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def raw_tail(world: World, session: str, since: str, receive_bytes: int | None = None) -> socket.socket:
    """A tail on a socket of its own, of which nothing is read."""
    client = socket.socket()
    if receive_bytes is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, ("127.0.0.1", world.stack.api_ports[0]))
    lines = (
        f"GET {SESSIONS}/{session}/events?since={since} HTTP/1.1",
        "host: neo",
        f"authorization: Bearer {world.api_key}",
    )
    await loop.sock_sendall(client, "".join(f"{line}\r\n" for line in (*lines, "")).encode())
    return client


async def cut_and_resumed(world: World, session: str, since: str, cycles: list[int]) -> Reading:
    """One reader who is cut after a few events, each time, until it has the end."""
    reading = Reading(session, since)
    world.history.readings.append(reading)
    end = ""
    while end not in ("done", "over"):
        left = random.randint(1, 8)

        def is_enough(_: object) -> bool:
            nonlocal left
            left -= 1
            return left == 0

        end = await world.caller.read_once(reading, api=random.randrange(2), until=is_enough)
        cycles.append(1)
    return reading


async def test_hundreds_of_readers_cut_at_random_lose_and_repeat_nothing(world: World) -> None:
    """Promise: for any cursor and any moment of a cut, replay plus live is the whole, in order, once."""
    live = await world.session("scripted:tokens=40,delay_ms=20")
    reasoned = await world.session("scripted:reasoning=10,tokens=20,delay_ms=10")
    cycles: list[int] = []
    began = time.monotonic()

    while len(cycles) < CYCLES:
        assert time.monotonic() - began < CYCLES_SECONDS, f"{len(cycles)} cycles"
        posts = [await world.caller.say(session) for session in (live, reasoned)]
        readers = [
            cut_and_resumed(world, post.session_id, post.since, cycles) for post in posts for _ in range(6)
        ]
        await asyncio.gather(*readers)
        # The same again when the turn is over.
        readers = [cut_and_resumed(world, post.session_id, post.since, cycles) for post in posts]
        await asyncio.gather(*readers)

    for reading in world.history.readings:
        assert reading.terminals == ["finish"]
        assert "data-stream-reset" not in reading.types
    await world.judged()


async def test_f27_readers_that_are_gone_leave_nothing_and_the_turn_goes_on(world: World) -> None:
    session = await world.session("scripted:tokens=100,delay_ms=30")
    posted = await world.caller.say(session)
    since = posted.since

    sockets = [await raw_tail(world, session, since) for _ in range(READERS)]
    ports = {one.getsockname()[1] for one in sockets}
    await until(lambda: len(connected(world, ports)) == READERS)
    for one in sockets:
        # Closed with a reset, as by a machine that fell over.
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        one.close()

    with world.recovers_within(2):
        await until(lambda: not connected(world, ports))
    reading = await world.caller.read(session, since, api=1)
    assert reading.seen[-1].type == "finish"
    async with asyncio.timeout(30):
        while await subscribers(world, session):
            await asyncio.sleep(0.05)


def connected(world: World, ports: set[int]) -> set[int]:
    """Which of these clients the first API has a connection to."""
    api = psutil.Process(world.stack.apis[0].pid)
    return {one.raddr.port for one in api.net_connections() if one.raddr and one.raddr.port in ports}


async def subscribers(world: World, session: str) -> int:
    """How many connections to Valkey are subscribed to this session."""
    found = await world.stack.valkey.call("PUBSUB", "NUMSUB", stream_key(session))
    return int(found[1])


async def test_f28_a_reader_that_takes_nothing_is_cut_and_others_do_not_wait(world: World) -> None:
    # More than the kernel's buffers take.
    session = await world.session("scripted:echo")
    posts = [await world.caller.say(session, "x" * 100_000) for _ in range(45)]
    since = posts[0].since
    await world.caller.read(session, posts[-1].since)
    slow = await raw_tail(world, session, f"{since}&follow=true", receive_bytes=4096)
    ports = {slow.getsockname()[1]}
    await until(lambda: bool(connected(world, ports)))

    with world.recovers_within(SEND_SECONDS + 3):
        await until(lambda: not connected(world, ports))
    slow.close()

    for post in posts[::20]:
        reading = await world.caller.read(session, post.since, api=0)
        assert reading.seen[-1].type == "finish"


async def test_f30_a_cursor_that_is_no_longer_kept_is_told_so_and_the_whole_again(world: World) -> None:
    # So slowly that each word is an event of its own, on a busy machine too.
    session = await world.session("scripted:tokens=40,delay_ms=50")
    posted = await world.caller.say(session)
    since = posted.since
    whole = await world.caller.read(session, since)
    cut_at = whole.seen[9]
    ids = [event.id for event in whole.seen]

    # What is kept begins right after the cursor: nothing is missing.
    await world.stack.valkey.call("XTRIM", stream_key(UUID(session)), "MINID", str(ids[10]))
    exact = Reading(session, since, seen=whole.seen[:10])
    await world.caller.read(session, None, reading=exact)
    # One event less, and the reader has to be told.
    await world.stack.valkey.call("XTRIM", stream_key(UUID(session)), "MINID", str(ids[12]))
    late = Reading(session, since, seen=whole.seen[:10])
    world.history.readings += [exact, late]
    await world.caller.read(session, None, reading=late)

    assert [event.id for event in exact.seen] == ids
    assert cut_at == late.seen[9]
    assert late.seen[10].chunk["type"] == "data-stream-reset"
    assert late.seen[10].chunk["data"]["reason"] == "trimmed"
    assert late.seen[-1].type == "finish"


async def test_f31_no_clock_is_in_an_event_id(world: World) -> None:
    """Ids follow from turn, segment and claim, so that a clock that jumps moves nothing."""
    session = await world.caller.open()
    posts = [await world.caller.say(session) for _ in range(2)]
    readings = [await world.caller.read(session, post.since) for post in posts]

    assert [reading.seen[0].id for reading in readings] == [str(Position(turn, 1, 1, 1)) for turn in (1, 2)]


async def test_a_cursor_of_another_world_is_never_waited_for_in_vain(world: World) -> None:
    session = await world.caller.open()
    posted = await world.caller.say(session)
    await world.caller.read(session, posted.since)
    caller: Caller = world.caller

    # The next turn, a newer claim, past the end, the next segment, before segments, far ahead.
    for cursor in ("131072-0", "65603-3", "65601-9999", "65665-1", "65537-3", "6553600-1"):
        reading = await caller.read(session, cursor)
        assert not reading.seen or reading.seen[-1].type == "finish"
