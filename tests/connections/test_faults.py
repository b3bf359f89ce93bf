"""Whatever a server does, a call ends in time, says how, and hurts no other."""

import asyncio
import time

import pytest

from connections.targets import OLDER, STATELESS, target_of
from neo.connections import Ending, Outcome, Servers
from neo.engines.scripted_mcp.script import AFTER, BEFORE
from support.scripted_mcp import Stage, scripted_mcp_running

SECONDS = 0.6
ENDINGS = {
    "refuse": Ending.UNREACHABLE,
    "hang": Ending.TIMED_OUT,
    "status": Ending.UNREACHABLE,
    "redirect": Ending.PROTOCOL_BROKEN,
    "unauthorized": Ending.NEEDS_AUTH,
    "html": Ending.PROTOCOL_BROKEN,
    "accepted": Ending.PROTOCOL_BROKEN,
    "ask": Ending.PROTOCOL_BROKEN,
    "input_required": Ending.TOOL_ERROR,
    "die": Ending.UNREACHABLE,
    "half": Ending.UNREACHABLE,
    "hang_after": Ending.TIMED_OUT,
    "drip": Ending.TIMED_OUT,
    "endless": Ending.TOO_LARGE,
    "notifications": Ending.TOO_LARGE,
    "other_id": Ending.PROTOCOL_BROKEN,
    "invalid_utf8": Ending.PROTOCOL_BROKEN,
    "garbage": Ending.PROTOCOL_BROKEN,
    "no_message": Ending.PROTOCOL_BROKEN,
    "no_result": Ending.PROTOCOL_BROKEN,
    "compressed": Ending.PROTOCOL_BROKEN,
    "deep": Ending.PROTOCOL_BROKEN,
}
# What a client of a new process pays once: the library's import.
FIRST_SECONDS = 30.0


def test_every_fault_that_leaves_the_server_alive_is_tried() -> None:
    assert set(ENDINGS) == {*BEFORE, *AFTER} - {"exit", "exit_before"}


@pytest.mark.parametrize("protocol", [STATELESS, OLDER])
@pytest.mark.parametrize("fault", ENDINGS)
async def test_a_fault_ends_its_own_call_alone(
    servers: Servers, stage: Stage, fault: str, protocol: str
) -> None:
    number = 503 if fault == "status" else 100_000
    seconds = SECONDS if ENDINGS[fault] is Ending.TIMED_OUT else FIRST_SECONDS
    await stage.change(protocol=protocol, fault={"name": fault, "tool": "write", "number": number})

    async with servers.mcp(target_of(stage)) as client:
        before = await client.call("read", {}, key="before", seconds=FIRST_SECONDS)
        beside = asyncio.create_task(client.call("slow", {"seconds": 0.2}, key="beside"))
        await stage.calls(at_least=2)
        began, used = time.monotonic(), time.process_time()
        outcome = await client.call("write", {"text": "x"}, key="it", seconds=seconds)
        took, used = time.monotonic() - began, time.process_time() - used
        after = await client.call("read", {}, key="after")
        others = [before, await beside, after]

    expected = Ending.PROTOCOL_BROKEN if (fault, protocol) == ("input_required", OLDER) else ENDINGS[fault]
    assert (outcome.ending, outcome.is_sent) == (expected, True)
    assert [other.ending for other in others] == [Ending.OK] * 3
    # What had its effect is never said not to have happened, and what is known not to have had it is not in doubt.
    has_effect = any(effect["tool"] == "write" for effect in await stage.effects())
    assert has_effect == (fault in AFTER)
    assert outcome.may_have_happened or not has_effect
    assert took < (SECONDS + 1 if ENDINGS[fault] is Ending.TIMED_OUT else 5)
    # Nobody else in the process waits for a flood.
    assert used < 0.5


@pytest.mark.parametrize("fault", ["hang", "html", "status", "unauthorized", "garbage", "half", "other_id"])
async def test_a_conversation_that_cannot_begin_ends_the_call_before_it_is_sent(
    servers: Servers, stage: Stage, fault: str
) -> None:
    await stage.change(fault={"name": fault, "method": "*", "number": 500})

    async with servers.mcp(target_of(stage)) as client:
        outcome = await client.call("write", {"text": "x"}, key="k", seconds=SECONDS)
        listed = await client.list_tools(seconds=SECONDS)
        await stage.change(fault=None)
        healed = await client.call("write", {"text": "x"}, key="k", seconds=FIRST_SECONDS)

    assert (outcome.is_ok, outcome.is_sent, outcome.may_have_happened) == (False, False, False)
    assert isinstance(listed, Outcome)
    assert healed.is_ok
    assert len(await stage.effects()) == 1


async def test_floods_leave_the_memory_as_it_was(servers: Servers, stage: Stage) -> None:
    import psutil

    process = psutil.Process()
    await stage.change(fault="endless")

    async def flood(times: int) -> int:
        async with servers.mcp(target_of(stage)) as client:
            for number in range(times):
                outcome = await client.call("read", {}, key=str(number), seconds=FIRST_SECONDS)
                assert outcome.ending is Ending.TOO_LARGE
        return process.memory_info().rss

    warm = await flood(10)

    assert await flood(60) - warm < 30 * 1024**2


@pytest.mark.parametrize(
    ("known", "spoken"),
    [(None, STATELESS), (None, OLDER), (OLDER, OLDER), (STATELESS, STATELESS)],
)
async def test_a_server_that_answers_500_to_all_is_down_and_not_misspoken(
    servers: Servers, stage: Stage, known: str | None, spoken: str
) -> None:
    await stage.change(protocol=spoken, fault={"name": "status", "method": "*", "number": 500})

    async with servers.mcp(target_of(stage, protocol=known)) as client:
        listed = await client.list_tools()
        called = await client.call("read", {}, key="k")

    assert isinstance(listed, Outcome)
    assert [(one.ending, one.status) for one in (listed, called)] == [(Ending.UNREACHABLE, 500)] * 2


async def test_a_server_that_dies_in_mid_call_leaves_the_call_in_doubt_and_the_next_one_not_sent(
    servers: Servers,
) -> None:
    async with scripted_mcp_running() as running:
        stage = running.stage()
        await stage.change(fault={"name": "exit", "tool": "write"})
        async with servers.mcp(target_of(stage)) as client:
            await client.call("read", {}, key="1", seconds=FIRST_SECONDS)
            died = await client.call("write", {"text": "x"}, key="2")
            # A connection that was kept open may take one more before it is known to be dead.
            away = [await client.call("write", {"text": "x"}, key=str(number)) for number in range(3, 7)][-1]

    assert (died.ending, died.may_have_happened) == (Ending.UNREACHABLE, True)
    assert (away.ending, away.is_sent, away.may_have_happened) == (Ending.UNREACHABLE, False, False)
