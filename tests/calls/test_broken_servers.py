"""Whatever a server does, a turn that calls it goes on in time and says what is known, and no other turn is slowed."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from typing import Any

from sqlalchemy import text

from calls.desk import AGENTS, Desk, Turn
from neo.engines.scripted_mcp.script import AFTER, BEFORE
from support.client import Client, read_events
from support.rows import Rows
from support.scripted_mcp import ScriptedMcp, Stage

# How a call that writes ends, and one that reads.
UNREAD = ("UNKNOWN unknown", "FAILED tool_broken")
AWAY = ("UNKNOWN unknown", "FAILED tool_unavailable")
SILENT = ("UNKNOWN unknown", "TIMED_OUT timed_out")
LARGE = ("UNKNOWN unknown", "FAILED output_too_large")
ENDS = {
    **dict.fromkeys(("refuse", "status", "die", "half"), AWAY),
    **dict.fromkeys(("hang", "hang_after", "drip"), SILENT),
    **dict.fromkeys(("endless", "notifications"), LARGE),
    **dict.fromkeys(("redirect", "html", "accepted", "ask"), UNREAD),
    **dict.fromkeys(
        ("other_id", "invalid_utf8", "garbage", "no_message", "no_result", "compressed", "deep"), UNREAD
    ),
    # The first call is told; the connection is not called again.
    "unauthorized": ("FAILED connection_needs_auth",),
    "input_required": ("FAILED tool_error",) * 2,
}
TOOLS = {"write": ("WRITE", '{"text":"x"}'), "read": ("READ", '{"about":"x"}')}
# Of what says nothing, and of what need not wait so long.
SILENT_SECONDS, OTHER_SECONDS = 1, 20
# On a machine with two processors and much else to do; without a bound of its own a call takes 30 s.
LATE_SECONDS = 4.0
# A neighbour's words come every 20 ms; a flood that is read whole would stop them for seconds.
GAP_SECONDS = 0.5
# Side by side, as far as two processors let them be in time.
AT_ONCE = 4
NEIGHBOUR = "scripted:tokens=250,delay_ms=20"
CALLS = text(
    "SELECT status || ' ' || error_code AS end, extract(epoch FROM ended_at - dispatched_at) AS seconds"
    " FROM tool_calls WHERE turn_id = :turn"
)


def test_every_fault_that_leaves_the_server_alive_is_tried() -> None:
    assert set(ENDS) == {*BEFORE, *AFTER} - {"exit", "exit_before"}


async def test_a_server_that_fails_in_any_way_ends_its_own_call_alone(
    rows: Rows, caller: Client, served_mcp: ScriptedMcp
) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def tried(fault: str) -> list[str]:
        async with places:
            return await _tried(rows, await _prepared(caller, fault, served_mcp.stage()), fault)

    neighbour = asyncio.create_task(_gaps(caller))
    found = await asyncio.gather(*map(tried, ENDS))

    gaps = sorted(await neighbour)
    assert list(chain.from_iterable(found)) == []
    assert gaps[int(len(gaps) * 0.99)] < GAP_SECONDS


async def _prepared(client: Client, fault: str, stage: Stage) -> Desk:
    seconds = SILENT_SECONDS if ENDS[fault] is SILENT else OTHER_SECONDS
    desk = await Desk.open(client, stage, {}, name=fault)
    for tool, (effect, _) in TOOLS.items():
        await desk.set(tool, effect=effect, gate="NEVER", timeout_seconds=seconds)
    await stage.change(fault={"name": fault, "number": 503 if fault == "status" else 100_000})
    return desk


async def _tried(rows: Rows, desk: Desk, fault: str) -> list[str]:
    agent = await desk.agent("obey,strict")
    called = zip(TOOLS, ENDS[fault], strict=False)
    found = await asyncio.gather(*(_called(rows, desk, agent, tool, end) for tool, end in called))
    return [f"{fault}: {problem}" for problem in chain.from_iterable(found)]


async def _called(rows: Rows, desk: Desk, agent: int, tool: str, expected: str) -> list[str]:
    """A turn with the call, another of the same session, and what is wrong with them."""
    session = await desk.client.open(agent_id=agent)
    call = f"call={desk.name}__{tool}{TOOLS[tool][1]}"
    turns = [await desk.say(session, words) for words in (call, "And now?")]
    async with rows.owner.without_tenant() as owner:
        calls = (await owner.execute(CALLS, {"turn": turns[0].accepted["chat_turn_id"]})).all()
    return [f"{tool}: {problem}" for problem in _problems(expected, turns, calls)]


def _problems(expected: str, turns: list[Turn], calls: Sequence[Any]) -> Iterator[str]:
    if [turn.events[-1].type for turn in turns] != ["finish", "finish"]:
        yield f"the turns ended as {[turn.events[-1].chunk for turn in turns]}"
    if [call.end for call in calls] != [expected]:
        yield f"the call ended as {[call.end for call in calls]}"
    if late := [call.seconds for call in calls if call.seconds > SILENT_SECONDS + LATE_SECONDS]:
        yield f"it took {late} seconds"
    code = expected.partition(" ")[2]
    if not [one for one in turns[0].outcomes if str(one.get("errorText")).startswith(f"{code}: ")]:
        yield f"readers were told {turns[0].outcomes}"


async def _gaps(client: Client) -> list[float]:
    """The seconds between what a reader of a turn without tools sees."""
    agent = {"autonomy_type": "CONVERSATIONAL", "name": "Neighbour", "model": NEIGHBOUR}
    created = await client.http.post(AGENTS, json=agent)
    session = await client.open(agent_id=created.json()["data"]["id"])
    accepted = await client.say(session, "Please.")
    times: list[float] = []
    async with client.stream(session, accepted["since_cursor"]) as response:
        async for event in read_events(response):
            times += [time.monotonic()] if event.type == "text-delta" else []
    return [after - before for before, after in pairwise(times)]
