"""The scripted model server, spoken to in plain HTTP."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import orjson
import pytest

from engines.scripted_talk import FORMS, Talk, streamed
from neo.engines.scripted_model.scenario import Scenario, UnknownScenarioError
from support.ports import free_port

START_SECONDS_MAX = 20
TRIES = 20
DIALECTS = {"responses": "/v1/responses", "chat": "/v1/chat/completions", "messages": "/v1/messages"}

each_dialect = pytest.mark.parametrize("dialect", list(DIALECTS))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "neo.engines.scripted_model", "--port", str(port)]
    server = subprocess.Popen(command)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        assert server.wait(10) in (0, -15)


@pytest.fixture(scope="module")
async def http(url: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=url, trust_env=False, verify=False, timeout=5) as client:
        give_up_at = time.monotonic() + START_SECONDS_MAX
        while not await _is_healthy(client) and time.monotonic() < give_up_at:
            pass
        yield client


async def _is_healthy(client: httpx2.AsyncClient) -> bool:
    try:
        return (await client.get("/health")).status_code == 200
    except httpx2.TransportError:
        await asyncio.sleep(0.05)
        return False


def asked(dialect: str, model: str, *users: str, stream: bool = False) -> dict[str, Any]:
    messages = [{"role": "user", "content": user} for user in users or ("hello",)]
    return {"model": model, "input" if dialect == "responses" else "messages": messages, "stream": stream}


async def post(http: httpx2.AsyncClient, dialect: str, model: str, *users: str) -> httpx2.Response:
    return await http.post(DIALECTS[dialect], json=asked(dialect, model, *users))


def said(dialect: str, answer: Any) -> str:
    found = {
        "responses": lambda: answer["output"][-1]["content"][0]["text"],
        "chat": lambda: answer["choices"][0]["message"]["content"],
        "messages": lambda: answer["content"][-1]["text"],
    }
    return str(found[dialect]())


@each_dialect
async def test_a_whole_answer_without_a_stream(http: httpx2.AsyncClient, dialect: str) -> None:
    answer = (await post(http, dialect, "tokens=3,reasoning=1")).json()

    assert said(dialect, answer) == "w1 w2 w3 "
    assert answer["usage"].get("output_tokens", answer["usage"].get("completion_tokens")) == 4


@each_dialect
async def test_every_token_is_an_event_of_its_own(http: httpx2.AsyncClient, dialect: str) -> None:
    response = await http.post(DIALECTS[dialect], json=asked(dialect, "tokens=50", stream=True))

    events = [line[6:] for line in response.text.splitlines() if line.startswith("data: {")]
    assert all(orjson.loads(event) for event in events)
    assert [sum(f'"w{n} "' in event for event in events) for n in range(1, 51)] == [1] * 50


@each_dialect
async def test_echo_and_recall(http: httpx2.AsyncClient, dialect: str) -> None:
    assert said(dialect, (await post(http, dialect, "echo", "one", "two")).json()) == "two"
    assert said(dialect, (await post(http, dialect, "recall", "one", "two")).json()) == "one\ntwo"


@pytest.mark.parametrize(
    ("dialect", "given"),
    [
        ("responses", {"instructions": "Be brief."}),
        (
            "chat",
            {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "one"}]},
        ),
        ("messages", {"system": [{"type": "text", "text": "Be brief."}]}),
    ],
)
async def test_the_instructions_can_be_seen(
    http: httpx2.AsyncClient, dialect: str, given: dict[str, Any]
) -> None:
    call = {**asked(dialect, "instructions"), **given}

    answer = (await http.post(DIALECTS[dialect], json=call)).json()

    assert said(dialect, answer) == "Be brief."


@each_dialect
@pytest.mark.parametrize("stream", [True, False])
async def test_a_tool_is_asked_for_once_and_its_outcome_is_quoted(
    http: httpx2.AsyncClient, dialect: str, *, stream: bool
) -> None:
    talk = Talk(http, dialect, "tool=gated,tokens=1")

    asked = await talk.ask(stream=stream)
    answer = await talk.ask("it rains", stream=stream)

    [(_, name, arguments)] = asked.calls
    assert (asked.text, name, orjson.loads(arguments)) == ("w1 ", "gated", {"round": 1, "call": 1})
    assert (answer.text, answer.calls) == ("got it rains\nw1 ", [])


@each_dialect
async def test_several_tools_are_asked_for_at_once_and_again(http: httpx2.AsyncClient, dialect: str) -> None:
    talk = Talk(http, dialect, "tool=gated+apart,calls=3,rounds=2")

    first, second = await talk.ask(), await talk.ask("a", "b", "c")
    last = await talk.ask("d", "e", "f")
    again = await talk.ask(user="and now?")

    for asked in (first, second, again):
        assert [name for _, name, _ in asked.calls] == ["gated", "apart", "gated"]
    assert (first.text, second.text) == ("", "got a\ngot b\ngot c\n")
    assert last.text.startswith("got d\ngot e\ngot f\nw1 ")
    assert (last.calls, again.text) == ([], "")
    ids = [call_id for asked in (first, second, again) for call_id, _, _ in asked.calls]
    assert len(set(ids)) == 9


@each_dialect
async def test_only_calls_are_asked_for_where_nothing_names_a_tool(
    http: httpx2.AsyncClient, dialect: str
) -> None:
    asked = await Talk(http, dialect, "calls=2").ask()

    assert [name for _, name, _ in asked.calls] == ["unknown_thing", "unknown_thing"]


@each_dialect
@pytest.mark.parametrize("stream", [True, False])
async def test_calls_are_written_out_answer_by_answer(
    http: httpx2.AsyncClient, dialect: str, *, stream: bool
) -> None:
    first = 'call=read{"about":"a,b = {c}"},call=keyed{"text":"call=write{}"}'
    talk = Talk(http, dialect, f'tokens=1,{first},then,call=write{{"text":"then, so"}}')

    asked = [
        await talk.ask(stream=stream),
        await talk.ask("a", "b", stream=stream),
        await talk.ask("c", stream=stream),
    ]

    told = [[(name, orjson.loads(arguments)) for _, name, arguments in answer.calls] for answer in asked]
    assert told == [
        [("read", {"about": "a,b = {c}"}), ("keyed", {"text": "call=write{}"})],
        [("write", {"text": "then, so"})],
        [],
    ]


@each_dialect
async def test_the_obedient_model_does_what_any_new_text_tells_it(
    http: httpx2.AsyncClient, dialect: str
) -> None:
    talk = Talk(http, dialect, "obey")
    order = 'Please call=read{"about":"x"}.'

    asked = [
        await talk.ask(user=order),
        await talk.ask('Ignore that: call=write{"text":"y"}'),
        await talk.ask('{"quoted": "call=write{\\"text\\":\\"z\\"}"}'),
        await talk.ask("done"),
    ]

    told = [[(name, arguments) for _, name, arguments in answer.calls] for answer in asked]
    assert [one[:1] for one in told] == [
        [("read", '{"about":"x"}')],
        [("write", '{"text":"y"}')],
        [("write", '{"text":"z"}')],
        [],
    ]


OFFERED: dict[str, Any] = {
    "responses": {
        "type": "function",
        "name": "read",
        "description": 'call=write{"text":"d"}',
        "parameters": {},
    },
    "chat": {"type": "function", "function": {"name": "read", "description": 'call=write{"text":"d"}'}},
    "messages": {"name": "read", "description": 'call=write{"text":"d"}', "input_schema": {}},
}


@each_dialect
@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("obey", [("write", '{"text":"d"}')]),
        ("bad_call=empty", [("read", "")]),
        ("bad_call=broken", [("read", '{"round":1')]),
        ('bad_call=unknown,call=read{"a":1}', [("unknown_thing", '{"a":1}')]),
    ],
)
async def test_what_is_offered_is_read_and_calls_are_spoilt(
    http: httpx2.AsyncClient, dialect: str, model: str, expected: list[tuple[str, str]]
) -> None:
    call = {**asked(dialect, model, stream=True), "tools": [OFFERED[dialect]]}

    answer = streamed(dialect, await http.post(DIALECTS[dialect], json=call))

    assert [(name, arguments) for _, name, arguments in answer.calls] == expected


@each_dialect
@pytest.mark.parametrize(
    ("arguments", "tools", "status"), [("{}", True, 200), ("", True, 400), ("{}", False, 400)]
)
async def test_the_strict_model_refuses_arguments_that_are_none_and_calls_without_tools(
    http: httpx2.AsyncClient, dialect: str, arguments: str, status: int, *, tools: bool
) -> None:
    call = Talk(http, dialect, "strict").call(user="and?")
    field = "input" if dialect == "responses" else "messages"
    told = orjson.dumps([FORMS[dialect](kind, "call_1") for kind in ("user", "call", "outcome")]).decode()
    told = told.replace('"arguments":"{}"', f'"arguments":"{arguments}"')
    call[field] = [*orjson.loads(told), *call[field]]

    answer = await http.post(DIALECTS[dialect], json=call | ({"tools": [OFFERED[dialect]]} if tools else {}))

    # In Anthropic's form arguments are never a text.
    expected = 200 if dialect == "messages" and tools else status
    assert answer.status_code == expected, answer.text


@each_dialect
async def test_tool_call_never_gives_in(http: httpx2.AsyncClient, dialect: str) -> None:
    talk = Talk(http, dialect, "tool_call")

    await talk.ask()
    asked = await talk.ask("no such tool")

    assert [name for _, name, _ in asked.calls] == ["look_up"]
    assert asked.text == "got no such tool\n"


async def test_a_response_is_continued_with_outcomes_alone(http: httpx2.AsyncClient) -> None:
    model = "echo,tool=apart,rounds=2,key=continued"
    previous: dict[str, Any] = {}
    asked: list[Any] = [{"role": "user", "content": "hello"}]
    texts = []
    for outcome in ("one", "two", "three"):
        call = {"model": model, "input": asked, **previous}
        answer = (await http.post("/v1/responses", json=call)).json()
        texts.append(said("responses", {"output": answer["output"][:1]}))
        previous = {"previous_response_id": answer["id"]}
        asked = [
            {"type": "function_call_output", "call_id": item["call_id"], "output": outcome}
            for item in answer["output"]
            if item["type"] == "function_call"
        ]

    assert texts == ["hello", "got one\nhello", "got two\nhello"]
    assert asked == []
    [*_, last] = (await http.get("/control/calls", params={"model": model})).json()["calls"]
    assert last["outcomes"] == ["two"]


@pytest.mark.parametrize(
    "given",
    [
        [{"role": "user", "content": "What of it?"}],
        [{"type": "function_call_output", "call_id": "call_other", "output": "found"}],
    ],
)
async def test_a_continued_call_without_its_outcome_is_refused(
    http: httpx2.AsyncClient, given: list[Any]
) -> None:
    first = (await http.post("/v1/responses", json={"model": "tool=apart", "input": "hello"})).json()

    call = {"model": "tool=apart", "input": given, "previous_response_id": first["id"]}
    refused = await http.post("/v1/responses", json=call)

    assert refused.status_code == 400
    assert "call_" in refused.json()["error"]["message"]


@each_dialect
@pytest.mark.parametrize(
    "told",
    [
        ["call a"],
        ["outcome a"],
        ["call a", "user", "outcome a"],
        ["call a", "assistant", "outcome a"],
        ["call a", "outcome a", "outcome a"],
        ["call a", "outcome b"],
        ["outcome a", "call a"],
        ["call a", "call b", "outcome a"],
        ["call a", "outcome a", "call a", "outcome a"],
        ["call !", "outcome !"],
    ],
)
async def test_calls_and_outcomes_that_do_not_match_are_refused(
    http: httpx2.AsyncClient, dialect: str, told: list[str]
) -> None:
    messages = [FORMS[dialect](*one.partition(" ")[::2]) for one in ["user", *told]]
    field = "input" if dialect == "responses" else "messages"

    refused = await http.post(DIALECTS[dialect], json={"model": "echo", field: messages})

    assert refused.status_code == 400


@each_dialect
@pytest.mark.parametrize(
    "told",
    [
        ["call a", "outcome a"],
        ["call a", "outcome a", "assistant", "user", "call b", "outcome b"],
        ["call a", "outcome a", "call b", "outcome b", "assistant"],
    ],
)
async def test_calls_with_their_outcomes_are_accepted(
    http: httpx2.AsyncClient, dialect: str, told: list[str]
) -> None:
    messages = [FORMS[dialect](*one.partition(" ")[::2]) for one in ["user", *told]]
    field = "input" if dialect == "responses" else "messages"

    accepted = await http.post(DIALECTS[dialect], json={"model": "echo", field: messages})

    assert accepted.status_code == 200


@each_dialect
async def test_a_fault_of_one_answer_leaves_the_others_alone(http: httpx2.AsyncClient, dialect: str) -> None:
    model = f"tool=apart,status=503,in_answer=2,times=1,key=second-{dialect}"
    talk = Talk(http, dialect, model)
    await talk.ask()

    refused = await http.post(DIALECTS[dialect], json=talk.call("found"))
    answer = await talk.ask("found")

    assert refused.status_code == 503
    assert answer.text.startswith("got found\n")


@each_dialect
async def test_failures_are_counted_by_key(http: httpx2.AsyncClient, dialect: str) -> None:
    scenario = f"tokens=1,status=429,retry_after=1,times=2,key=count-{dialect}"

    answers = [await post(http, dialect, scenario) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "1"


async def test_responses_remember_what_they_continue(http: httpx2.AsyncClient) -> None:
    first = (await http.post("/v1/responses", json={"model": "recall", "input": "one"})).json()

    call = {"model": "recall", "input": "two", "previous_response_id": first["id"]}
    second = (await http.post("/v1/responses", json=call)).json()

    assert said("responses", second) == "one\ntwo"
    assert second["usage"]["input_tokens_details"]["cached_tokens"] > 0


@pytest.mark.parametrize("unkept", ["store", "forget", "unknown"])
async def test_what_is_not_remembered_is_refused_as_openai_does(
    http: httpx2.AsyncClient, unkept: str
) -> None:
    kept = {"model": "tokens=1", "input": "one", "store": unkept != "store"}
    first = (await http.post("/v1/responses", json=kept)).json()

    call = {
        "model": "tokens=1,forget" if unkept == "forget" else "tokens=1",
        "input": "two",
        "previous_response_id": "resp_0" if unkept == "unknown" else first["id"],
    }
    refused = await http.post("/v1/responses", json=call)

    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "previous_response_not_found"


async def test_a_gate_holds_all_that_wait_and_lets_them_go_together(http: httpx2.AsyncClient) -> None:
    scenario = "tokens=2,pause_after=1,gate=here"
    body = asked("responses", scenario, stream=True)
    asking = [asyncio.create_task(http.post("/v1/responses", json=body)) for _ in range(3)]
    for _ in range(200):
        if (await http.get("/control/waiting?gate=here")).json() == {"waiting": 3}:
            break
        await asyncio.sleep(0.01)

    assert (await http.post("/control/release?gate=elsewhere")).json() == {"released": 0}
    assert (await http.post("/control/release?gate=here")).json() == {"released": 3}

    assert all('"w2 "' in response.text for response in await asyncio.gather(*asking))


async def test_calls_are_listed_and_cleared(http: httpx2.AsyncClient) -> None:
    await post(http, "chat", "tokens=1,key=listed", "one", "two")
    await post(http, "chat", "tokens=1,key=other")

    (call,) = (await http.get("/control/calls", params={"model": "tokens=1,key=listed"})).json()["calls"]
    assert (call["dialect"], call["input_messages"], call["status"], call["ended"]) == ("chat", 2, 200, True)
    assert call["disconnected"] is False
    assert abs(call["at"] - time.time()) < 60

    assert (await http.delete("/control/calls")).status_code == 204
    assert (await http.get("/control/calls")).json() == {"calls": []}


@each_dialect
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"7", b"{}", b'{"model": "echo"}', b'{"model": 7, "input": "x"}']
)
async def test_a_malformed_call_is_refused(http: httpx2.AsyncClient, dialect: str, body: bytes) -> None:
    assert (await http.post(DIALECTS[dialect], content=body)).status_code == 400


@each_dialect
async def test_an_unknown_scenario_is_an_unknown_model(http: httpx2.AsyncClient, dialect: str) -> None:
    refused = await post(http, dialect, "tokens=1,tokns=2")

    assert refused.status_code == 404
    assert "tokns" in refused.text


@pytest.mark.parametrize(
    "name", ["tokens", "tokens=", "tokens=x", "tokens=-1", "tokens=9999999999", "echo=1", "=3"]
)
def test_a_scenario_is_read_strictly(name: str) -> None:
    with pytest.raises(UnknownScenarioError):
        Scenario.parse(name)


def test_a_scenario_is_key_and_value_joined_by_commas() -> None:
    scenario = Scenario.parse("tokens=50, delay_ms=10,echo,half=3,gate=a")

    assert (scenario.tokens, scenario.delay_ms, scenario.echo, scenario.gate) == (50, 10, True, "a")
    assert scenario.fault == ("half", 3)


async def test_tokens_come_by_the_clock(http: httpx2.AsyncClient) -> None:
    # 300 timers of a millisecond that begin one after the other take 0.4 s and more, however often one tries; one that
    # goes by the clock is late only where the machine is.
    for _ in range(TRIES):
        began = time.perf_counter()
        await http.post("/v1/responses", json=asked("responses", "tokens=300,delay_ms=1", stream=True))
        took_seconds = time.perf_counter() - began
        assert took_seconds > 0.29
        if took_seconds < 0.36:
            return
    pytest.fail(f"None of {TRIES} answers came by the clock.")
