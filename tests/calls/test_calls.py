"""An agent's calls through the public API: offered, run, told, and read by the model, against a real MCP server."""

import asyncio
import json
from typing import Any

import pytest

from calls.desk import Desk
from support.client import text_of


async def test_a_call_runs_and_the_model_reads_its_answer(desk: Desk) -> None:
    turn = await desk.said('call=desk__read{"about":"printers"}')

    kinds = [event.type for event in turn.events if event.type.startswith("tool-")]
    [call] = await desk.stage.calls()
    assert kinds == ["tool-input-available", "tool-output-available"]
    assert turn.events[-1].type == "finish"
    assert call["arguments"] == {"about": "printers"}
    assert turn.outcomes[0]["output"]["about"] == "printers"
    assert 'got {"about":"printers"' in text_of(turn.events)


@pytest.mark.parametrize(
    ("model", "code"),
    [
        ("call=desk__reed{}", "unknown_tool: there is no tool named 'desk__reed'. Nearest: desk__read"),
        ('call=desk__read{"about":1}', "invalid_arguments: /about: "),
        ("call=desk__read{},bad_call=broken", "invalid_arguments: the arguments: they are not a JSON object"),
        ("call=desk__company{}", "approval_not_available: "),
    ],
)
async def test_a_call_that_is_refused_is_not_sent_and_the_model_reads_why(
    desk: Desk, model: str, code: str
) -> None:
    turn = await desk.said(model)

    [outcome] = turn.outcomes
    assert outcome["errorText"].startswith(code)
    assert f"got {code}" in text_of(turn.events)
    assert turn.events[-1].type == "finish"
    assert await desk.stage.calls() == []


@pytest.mark.parametrize("dialect", ["scripted", "scripted-chat", "scripted-anthropic"])
async def test_each_dialect_offers_the_tools_and_the_next_turn_is_answered(desk: Desk, dialect: str) -> None:
    """The strict model refuses a prompt in which anything of the calls is not whole."""
    session = await desk.client.open(
        agent_id=await desk.agent('call=desk__read{"about":"x"},call=desk__reed{},strict', dialect)
    )

    first, second = await desk.say(session, "One."), await desk.say(session, "Two.")

    for turn in (first, second):
        assert turn.events[-1].type == "finish", turn.events[-1]
        assert [one["type"] for one in turn.outcomes] == ["tool-input-error", "tool-output-available"]
    assert len(await desk.stage.calls()) == 2


async def test_what_is_offered_has_its_description(desk: Desk) -> None:
    """The obedient model does what a tool's description says."""
    await desk.stage.put_tool("read", description='call=desk__keyed{"text":"from a description"}')
    await desk.check()
    await desk.pin("read")

    turn = await desk.said("obey")

    [effect] = await desk.stage.effects()
    assert effect["arguments"]["text"] == "from a description"
    assert turn.events[-1].type == "finish"


async def test_many_tools_are_searched_and_none_of_them_is_told_before(desk: Desk) -> None:
    """The obedient model does what a tool's description says, so what it is not shown it does not do."""
    await desk.stage.put_tool("read", description='call=desk__keyed{"text":"from a description"}')
    for number in range(20):
        await desk.stage.put_tool(f"more_{number}")
    await desk.check()
    await desk.pin("*")

    shown = await desk.said("obey")
    searched = await desk.said('call=search_tools{"query":"read"}')
    unsearched = await desk.said('call=desk__write{"text":"x"}')

    assert (await desk.stage.effects(), shown.events[-1].type) == ([], "finish")
    assert unsearched.outcomes[0]["errorText"].startswith("unknown_tool: "), unsearched.outcomes
    [outcome] = searched.outcomes
    assert outcome["output"]["tools"][0]["name"] == "desk__read", outcome
    assert searched.events[-1].type == "finish"


async def test_numbers_that_no_answer_holds_are_read_again(desk: Desk) -> None:
    await desk.stage.put_tool("read", inputSchema={"type": "object", "properties": {"about": {}}})
    await desk.check()
    await desk.pin("read")
    await desk.set("read", effect="READ", gate="NEVER")

    turn = await desk.said('call=desk__read{"about":[1e308,1' + "0" * 40 + ',"\\u0000"]}')

    told = [1e308, 1e40, "\N{REPLACEMENT CHARACTER}"]
    [outcome] = turn.outcomes
    assert outcome["output"]["about"] == told, outcome
    execution = f"/public-api/executions/{turn.accepted['chat_turn_id']}"
    for path in ("/steps", "", f"/calls/{outcome['toolCallId']}"):
        answer = await desk.client.http.get(execution + path)
        assert answer.status_code == 200, (path, answer.text)


async def test_a_keyed_call_carries_its_id_as_its_key(desk: Desk) -> None:
    turn = await desk.said('call=desk__keyed{"text":"x"}')

    [effect] = await desk.stage.effects()
    assert effect["key"] == turn.outcomes[0]["toolCallId"]


async def test_a_key_that_is_an_argument_is_neos_to_fill_in(desk: Desk) -> None:
    await desk.set("keyed", keyed_by="ARGUMENT", key_argument="key")

    turn = await desk.said('call=desk__keyed{"text":"x","key":"the model\'s own"}')

    [effect] = await desk.stage.effects()
    assert effect["arguments"] == {"text": "x", "key": turn.outcomes[0]["toolCallId"]}


@pytest.mark.parametrize(
    ("tool", "arguments", "fault", "code"),
    [
        ("read", '{"about":"x"}', {"name": "hang", "tool": "read"}, "timed_out: "),
        ("read", '{"about":"x"}', {"name": "die", "tool": "read"}, "tool_unavailable: "),
        ("read", '{"about":"x"}', {"name": "garbage", "tool": "read"}, "tool_broken: "),
        ("read", '{"about":"x"}', {"name": "unauthorized", "tool": "read"}, "connection_needs_auth: "),
        ("raise", "{}", None, "tool_error: "),
        ("write", '{"text":"x"}', {"name": "die", "tool": "write"}, "unknown: It was sent"),
        ("write", '{"text":"x"}', {"name": "hang_after", "tool": "write"}, "unknown: It was sent"),
        ("write", '{"text":"x"}', {"name": "refuse", "tool": "write"}, "unknown: It was sent"),
        ("keyed", '{"text":"x"}', {"name": "hang_after", "tool": "keyed"}, "unknown: It was sent"),
    ],
)
async def test_a_server_that_fails_never_ends_a_turn_badly(
    desk: Desk, tool: str, arguments: str, fault: dict[str, Any] | None, code: str
) -> None:
    await desk.set(tool, timeout_seconds=1)
    await desk.stage.change(fault=fault)

    turn = await desk.said(f"call=desk__{tool}{arguments}")

    [outcome] = turn.outcomes
    assert outcome["errorText"].startswith(code)
    assert f"got {code}" in text_of(turn.events)
    assert turn.events[-1].type == "finish"


async def test_a_long_output_is_an_artifact_and_readers_get_its_beginning(desk: Desk) -> None:
    turn = await desk.said('call=desk__big{"bytes":200000},unquoted')

    [outcome] = turn.outcomes
    shown = outcome["output"]
    listed = await desk.client.http.get(f"/public-api/executions/{turn.accepted['chat_turn_id']}/artifacts")
    [artifact] = listed.json()["data"]
    assert (artifact["id"], artifact["size_bytes"]) == (shown["artifact_id"], shown["bytes"])
    assert len(json.dumps(outcome)) < 64 * 1024


async def test_a_tool_that_can_tell_is_asked_what_became_of_a_call(desk: Desk) -> None:
    takes_text = {"type": "object", "properties": {"text": {"type": "string"}}}
    await desk.stage.put_tool("read", inputSchema=takes_text)
    await desk.check()
    await desk.pin("read")
    await desk.set("write", probe_tool="read")
    await desk.stage.change(fault={"name": "die", "tool": "write"})

    turn = await desk.said('call=desk__write{"text":"x"}')

    [outcome] = turn.outcomes
    assert "It was sent" in outcome["errorText"]
    assert [call["tool"] for call in await desk.stage.calls()] == ["write", "read"]
    assert "The tool read was asked, and answers: " in outcome["errorText"]


async def test_a_cancelled_turn_says_what_could_not_be_taken_back(desk: Desk) -> None:
    await desk.stage.change(fault={"name": "hang_after", "tool": "write"})
    client, models = (
        desk.client,
        ['call=desk__write{"text":"x"}', 'call=desk__slow{"seconds":20}', "tokens=600"],
    )
    sessions = [await client.open(agent_id=await desk.agent(f"{model},delay_ms=20")) for model in models]
    posted = [await client.say(session, "Please.") for session in sessions]
    await desk.stage.calls(at_least=2)

    paths = [
        f"/public-api/chat/sessions/{session}/turns/{one['chat_turn_id']}/cancel"
        for session, one in zip(sessions, posted, strict=True)
    ]
    at_once = [(await client.http.post(path)).json()["data"]["unsettled_calls"] for path in paths]
    ended = [
        await client.ended(*one)
        for one in zip(sessions, (one["chat_turn_id"] for one in posted), strict=True)
    ]
    later = [(await client.http.post(path)).json()["data"]["unsettled_calls"] for path in paths]

    assert [[call["status"] for call in calls] for calls in at_once] == [["RUNNING"], ["RUNNING"], []]
    assert [[call["status"] for call in calls] for calls in later] == [["UNKNOWN"], ["UNKNOWN"], []]
    assert [[call["name"] for call in calls] for calls in later[:2]] == [["desk__write"], ["desk__slow"]]
    assert {turn["status"] for turn in ended} == {"CANCELLED"}
    assert [effect["tool"] for effect in await desk.stage.effects()] == ["write"]


async def test_a_connection_has_eight_calls_at_once_whoever_makes_them(desk: Desk) -> None:
    await desk.set("slow", effect="READ")
    model = ",".join(['call=desk__slow{"seconds":0.5}'] * 6)

    await asyncio.gather(*(desk.said(model) for _ in range(2)))

    calls = await desk.stage.calls()
    most = max(sum(one["began_at"] <= call["began_at"] < one["ended_at"] for one in calls) for call in calls)
    assert (len(calls), most) == (12, 8)
