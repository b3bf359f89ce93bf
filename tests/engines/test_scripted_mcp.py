"""The scripted MCP server, spoken to by the protocol's own client and in plain HTTP."""

import asyncio
import sys
from typing import Any
from urllib.parse import urlsplit

import httpx2
import psutil
import pytest
from mcp import Client
from mcp.types import RequestParamsMeta

from neo.engines.scripted_mcp.definitions import DEFINITIONS
from neo.engines.scripted_mcp.script import AFTER, BEFORE, PROTOCOLS
from support.scripted_mcp import ScriptedMcp, Stage, scripted_mcp_running
from support.server import Server

ENDS_THE_PROCESS = {"exit", "exit_before"}
# How long a fault that never ends is watched.
WATCH_SECONDS = 0.3
COMPANY = RequestParamsMeta({"neo/company": "globex"})  # type: ignore[typeddict-unknown-key]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_the_protocols_own_client_is_at_home(stage: Stage, protocol: str, *, stream: bool) -> None:
    await stage.change(protocol=protocol, stream=stream, page=3)

    async with Client(stage.url) as client:
        version = client.protocol_version
        first = await client.list_tools()
        second = await client.list_tools(cursor=first.next_cursor)
        answer = await client.call_tool("company", {"company": "acme"}, meta=COMPANY)

    listed = [tool.name for tool in (*first.tools, *second.tools)]
    assert (version, listed) == (protocol, [tool["name"] for tool in DEFINITIONS][:6])
    assert answer.structured_content == {"header": None, "meta": "globex", "argument": "acme"}


async def test_a_key_has_one_effect_wherever_it_stands(stage: Stage) -> None:
    places: list[dict[str, Any]] = [
        {"arguments": {"text": "x"}, "headers": {"idempotency-key": "k"}},
        {"arguments": {"text": "x"}, "_meta": {"neo/idempotency-key": "k"}},
        {"arguments": {"text": "x", "key": "k"}},
        {"arguments": {"text": "x", "key": "another"}},
    ]

    answers = [(await stage.post("tools/call", name="keyed", **place)).json() for place in places]
    without = await stage.call("keyed", {"text": "x"})

    assert [answer["result"]["structuredContent"]["repeated"] for answer in answers] == [
        False,
        True,
        True,
        False,
    ]
    assert [(effect["key"], effect["key_from"]) for effect in await stage.effects()] == [
        ("k", "header"),
        ("another", "argument"),
    ]
    assert without["result"]["isError"]


@pytest.mark.parametrize("fault", sorted({*BEFORE, *AFTER} - ENDS_THE_PROCESS))
async def test_a_fault_comes_before_or_after_the_effect_and_as_often_as_it_says(
    stage: Stage, fault: str
) -> None:
    await stage.change(fault={"name": fault, "tool": "write", "times": 1})

    honest = await stage.call("read", {})
    faulty = await _watched(stage, "write", {"text": "one"})
    effects = await stage.effects()
    again = await stage.call("write", {"text": "two"})

    assert faulty != again["result"]
    assert (len(effects), len(await stage.effects())) == ((0, 1) if fault in BEFORE else (1, 2))
    assert not honest["result"]["isError"]
    assert not again["result"]["isError"]


async def _watched(stage: Stage, tool: str, arguments: dict[str, Any]) -> object:
    """The result, or how far it came."""
    try:
        async with asyncio.timeout(WATCH_SECONDS):
            return (await stage.call(tool, arguments)).get("result")
    except (TimeoutError, ValueError, httpx2.TransportError, httpx2.DecodingError) as error:
        return error


async def test_who_leaves_stops_a_slow_tool_before_its_effect(stage: Stage) -> None:
    calling = asyncio.create_task(stage.call("slow", {"seconds": 60}))
    await stage.calls(at_least=1)

    calling.cancel()
    await asyncio.wait({calling})

    while not (found := (await stage.calls())[0])["is_cancelled"]:
        pass
    assert (found["ended_at"], await stage.effects()) == (None, [])


async def test_tokens_are_issued_expire_and_are_counted(stage: Stage) -> None:
    await stage.change(clients={"neo": "s3cret"}, tokens=["fixed"])
    form = {"grant_type": "client_credentials", "client_id": "neo", "client_secret": "s3cret"}

    token = (await stage.http.post(stage.token_url, data=form)).json()["access_token"]
    refused = await stage.http.post(stage.token_url, data={**form, "client_secret": "wrong"})
    let_in = [await stage.post("tools/list", {"authorization": f"Bearer {one}"}) for one in ("fixed", token)]
    await stage.expire()
    expired = await stage.post("tools/list", {"authorization": f"Bearer {token}"})

    assert (refused.status_code, [one.status_code for one in let_in], expired.status_code) == (
        401,
        [200, 200],
        401,
    )
    assert "invalid_token" in expired.headers["www-authenticate"]
    assert (await stage.shown())["authorizations"] == {"Bearer fixed": 1, f"Bearer {token}": 2}


async def test_tools_change_come_and_go(stage: Stage) -> None:
    await stage.put_tool("read", description="Now it deletes.")
    await stage.put_tool("new", inputSchema={"type": "object", "properties": {"a": {"type": "string"}}})
    await stage.delete_tool("write")

    listed = (await stage.post("tools/list")).json()["result"]["tools"]
    told = {tool["name"]: tool["description"] for tool in listed}

    assert (told["read"], told["new"], "write" in told) == ("Now it deletes.", "", False)
    assert not (await stage.call("new", {"a": "b"}))["result"]["isError"]
    assert (await stage.call("write", {"text": "x"}))["result"]["isError"]


@pytest.mark.parametrize(
    "script",
    [{"protocol": "1999"}, {"falt": "hang"}, {"fault": "unheard"}, {"fault": {"name": "hang", "x": 1}}, []],
)
async def test_a_script_that_is_not_known_is_refused(stage: Stage, script: object) -> None:
    answer = await stage.http.patch(f"{stage.root}/stages/{stage.name}/control", json=script)

    assert (answer.status_code, bool(answer.json()["error"])) == (400, True)


async def test_a_web_page_with_another_host_name_does_not_direct_it(scripted_mcp: ScriptedMcp) -> None:
    answer = await scripted_mcp.http.get(f"{scripted_mcp.url}/control", headers={"host": "evil.example"})

    assert answer.status_code == 400


async def test_the_command_serves_and_dies_where_the_script_says() -> None:
    async with scripted_mcp_running(sys.executable, "-m", "neo", "scripted-mcp") as served:
        stage = served.stage()
        await stage.change(fault="exit")
        with pytest.raises(httpx2.TransportError):
            await stage.call("write", {"text": "x"})

        assert served.process is not None
        assert await asyncio.to_thread(served.process.wait, 10) == 137


async def test_neo_serve_starts_it_when_asked_and_lets_agents_reach_that_address_alone(
    server: Server, served_stage: Stage
) -> None:
    environment = psutil.Process(server.pids["server"]).environ()
    outcome = await served_stage.call("read", {})

    assert environment["NEO_EGRESS_PRIVATE"] == urlsplit(server.addresses.scripted_mcp_url).netloc
    assert not outcome["result"]["isError"]
