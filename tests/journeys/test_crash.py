"""`kill -9` in mid-answer: the turn ends, once, and what is stored is what the last attempt said."""

import asyncio
import os
import signal
from pathlib import Path
from uuid import UUID

import httpx2
import psutil
import pytest
from neo.turns.starting.running import QUIET_MAX

from support.client import Client, Event, reply_of, text_of
from support.rows import Rows
from support.server import Server
from support.temporal import knows_of

MODEL = "scripted:tokens=30,delay_ms=40"
# Goes on for longer than a turn is said to be in hand at a time.
LONG = "scripted:tokens=30,delay_ms=300"
TERMINALS = ("finish", "error", "abort")


async def begun(client: Client, rows: Rows) -> tuple[str, dict[str, str], list[Event]]:
    """A turn of which a few words have been said."""
    session = await client.open(agent_id=await rows.agent(MODEL))
    accepted = await client.say(session, "Hello")
    seen = await client.events(
        session, accepted["since_cursor"], until=lambda event: "w5 " in str(event.chunk.get("delta"))
    )
    return session, accepted, seen


async def resumed(client: Client, session: str, seen: list[Event]) -> list[Event]:
    """What a reader gets who goes on where it was, once the server is back."""
    for _ in range(300):
        try:
            return await client.events(session, last_event_id=seen[-1].id)
        except (httpx2.HTTPError, AssertionError):
            await asyncio.sleep(0.1)
    raise AssertionError("The server did not come back.")


def check(seen: list[Event], rest: list[Event], stored: str | None) -> None:
    whole = [*seen, *rest]
    assert sum(event.type in TERMINALS for event in whole) == 1
    assert whole[-1].type == "finish"
    assert text_of(whole) == stored == "".join(f"w{number} " for number in range(1, 31))
    assert len({event.id for event in whole if event.id}) == len([event for event in whole if event.id])


async def test_the_worker_is_killed_in_mid_answer_and_comes_back(tmp_path: Path) -> None:
    server = await Server(tmp_path / "data").start()
    try:
        rows, client = Rows(server), Client(server.url, server.api_key)
        session, accepted, seen = await begun(client, rows)

        os.kill(server.pids["worker"], signal.SIGKILL)
        rest = await resumed(client, session, seen)

        assert any(event.type == "data-turn-restarted" for event in rest)
        check(seen, rest, reply_of(await client.messages(session), accepted["chat_turn_id"]))
        assert (await client.turn(session, accepted["chat_turn_id"]))["attempts"] == 2
        await rows.aclose()
        await client.http.aclose()
    finally:
        await server.stop()
        server.remove()


async def test_the_worker_is_killed_before_temporal_was_told_of_what_it_answers(tmp_path: Path) -> None:
    server = await Server(tmp_path / "data").start()
    try:
        rows, client = Rows(server), Client(server.url, server.api_key)
        agent_id = await rows.agent(LONG)
        sessions = [await client.open(agent_id=agent_id) for _ in range(QUIET_MAX + 3)]
        accepted = [await client.say(session, "Hello") for session in sessions]
        session, last = sessions[-1], accepted[-1]
        seen = await client.events(
            session, last["since_cursor"], until=lambda event: "w20 " in str(event.chunk)
        )
        assert not await knows_of(server, last["chat_turn_id"])

        os.kill(server.pids["worker"], signal.SIGKILL)
        rest = await resumed(client, session, seen)

        check(seen, rest, reply_of(await client.messages(session), last["chat_turn_id"]))
        for one, posted in zip(sessions, accepted, strict=True):
            turn = await client.ended(one, posted["chat_turn_id"])
            assert (turn["status"], turn["attempts"]) == ("COMPLETED", 2)
        assert await knows_of(server, last["chat_turn_id"])
        await rows.aclose()
        await client.http.aclose()
    finally:
        await server.stop()
        server.remove()


def lives(pid: int) -> bool:
    """Whether it runs: one that has died stays listed until its new parent has looked at it."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_everything_is_killed_in_mid_answer_and_started_again(tmp_path: Path) -> None:
    server = await Server(tmp_path / "data").start()
    try:
        rows, client = Rows(server), Client(server.url, server.api_key)
        session, accepted, seen = await begun(client, rows)
        before = server.pids
        await rows.aclose()

        assert server.process is not None
        server.process.kill()
        await server.process.wait()
        await server.start()

        assert server.told["api_key"] is None
        assert server.told["tenant_id"] == server.tenant_id
        left = {name for name, pid in before.items() if pid not in server.pids.values() and lives(pid)}
        assert left == set()
        rest = await resumed(client, session, seen)
        check(seen, rest, reply_of(await client.messages(session), accepted["chat_turn_id"]))
        await client.http.aclose()
    finally:
        await server.stop()
        server.remove()


async def test_a_stop_lets_what_runs_finish_and_leaves_no_process(tmp_path: Path) -> None:
    server = await Server(tmp_path / "data").start()
    try:
        rows, client = Rows(server), Client(server.url, server.api_key)
        session, accepted, _ = await begun(client, rows)
        tenant_id, pids = UUID(server.tenant_id), server.pids
        await rows.aclose()
        await client.http.aclose()

        assert await server.stop() == 0

        assert [pid for pid in pids.values() if psutil.pid_exists(pid)] == []
        await server.start()
        assert UUID(server.tenant_id) == tenant_id
        client = Client(server.url, server.api_key)
        turn = await client.ended(session, accepted["chat_turn_id"])
        assert (turn["status"], turn["attempts"]) == ("COMPLETED", 1)
        await client.http.aclose()
    finally:
        await server.stop()
        server.remove()


@pytest.mark.parametrize(("drain_seconds", "attempts"), [(12, 1), (2, 2)])
async def test_a_stop_lets_finish_or_hands_over_what_temporal_has_not_heard_of(
    tmp_path: Path, drain_seconds: int, attempts: int
) -> None:
    server = await Server(tmp_path / "data", {"NEO_DRAIN_SECONDS": str(drain_seconds)}).start()
    try:
        rows, client = Rows(server), Client(server.url, server.api_key)
        short, long = await rows.agent(MODEL), await rows.agent("scripted:tokens=30,delay_ms=150")
        sessions = [await client.open(agent_id=short) for _ in range(QUIET_MAX)]
        session = await client.open(agent_id=long)
        for one in sessions:
            await client.say(one, "Hello")
        turn_id = (await client.say(session, "Hello"))["chat_turn_id"]
        assert not await knows_of(server, turn_id)
        await rows.aclose()
        await client.http.aclose()

        assert await server.stop() == 0

        await server.start()
        client = Client(server.url, server.api_key)
        turn = await client.ended(session, turn_id)
        assert (turn["status"], turn["attempts"]) == ("COMPLETED", attempts)
        await client.http.aclose()
    finally:
        await server.stop()
        server.remove()
