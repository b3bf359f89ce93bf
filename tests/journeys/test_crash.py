"""`kill -9` in mid-answer: the turn ends, once, and what is stored is what the last attempt said."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import httpx2
import psutil
import pytest

from support.client import Client, Event, reply_of, text_of
from support.metrics import read_metrics
from support.rows import Rows
from support.server import Server
from support.temporal import knows_of

# It ends while a stop waits for it, and the slow one does not.
MODEL = "scripted:tokens=30,delay_ms=40"
SLOW_MODEL = "scripted:tokens=30,delay_ms=350"
RECOVERY_SECONDS = 30
TERMINALS = ("finish", "error", "abort")


async def begun(client: Client, rows: Rows, model: str = MODEL) -> tuple[str, dict[str, str], list[Event]]:
    """A turn of which some words have been said."""
    session = await client.open(agent_id=await rows.agent(model))
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


@pytest.fixture
async def client(own: Server) -> AsyncIterator[Client]:
    client = Client(own.url, own.api_key)
    yield client
    await client.http.aclose()


@pytest.fixture
async def rows(own: Server) -> AsyncIterator[Rows]:
    rows = Rows(own)
    yield rows
    await rows.aclose()


async def test_the_worker_is_killed_in_mid_answer_and_comes_back(
    own: Server, client: Client, rows: Rows
) -> None:
    session, accepted, seen = await begun(client, rows)
    assert not await knows_of(own, accepted["chat_turn_id"])

    os.kill(own.pids["worker"], signal.SIGKILL)
    rest = await resumed(client, session, seen)

    assert any(event.type == "data-turn-restarted" for event in rest)
    check(seen, rest, reply_of(await client.messages(session), accepted["chat_turn_id"]))
    assert (await client.turn(session, accepted["chat_turn_id"]))["attempts"] == 2
    assert await knows_of(own, accepted["chat_turn_id"])
    # The new process says for how long the turn was nobody's.
    metrics = await read_metrics(own.metrics_port)
    assert metrics.value("turn_take_over_seconds_count") == 1
    assert 0 < metrics.value("turn_take_over_seconds_sum") < RECOVERY_SECONDS


def lives(pid: int) -> bool:
    """Whether it runs: one that has died stays listed until its new parent has looked at it."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_everything_is_killed_in_mid_answer_and_started_again(
    own: Server, client: Client, rows: Rows
) -> None:
    session, accepted, seen = await begun(client, rows)
    before, tenant_id = own.pids, own.tenant_id

    assert own.process is not None
    own.process.kill()
    await own.process.wait()
    await own.start()

    assert own.told["api_key"] is None
    assert own.told["tenant_id"] == tenant_id
    left = {name for name, pid in before.items() if pid not in own.pids.values() and lives(pid)}
    assert left == set()
    rest = await resumed(client, session, seen)
    check(seen, rest, reply_of(await client.messages(session), accepted["chat_turn_id"]))


async def test_a_stop_lets_what_runs_finish_hands_over_what_would_not_and_leaves_no_process(
    own: Server, client: Client, rows: Rows
) -> None:
    slow_session, slow, seen = await begun(client, rows, SLOW_MODEL)
    session, quick, _ = await begun(client, rows)
    tenant_id, pids = own.tenant_id, own.pids

    assert await own.stop() == 0

    assert [pid for pid in pids.values() if psutil.pid_exists(pid)] == []
    await own.start()
    assert own.tenant_id == tenant_id
    turn = await client.ended(session, quick["chat_turn_id"])
    assert (turn["status"], turn["attempts"]) == ("COMPLETED", 1)
    rest = await resumed(client, slow_session, seen)
    check(seen, rest, reply_of(await client.messages(slow_session), slow["chat_turn_id"]))
    assert any(event.type == "data-turn-restarted" for event in rest)
    # Nothing has failed.
    assert (await client.turn(slow_session, slow["chat_turn_id"]))["attempts"] == 1
