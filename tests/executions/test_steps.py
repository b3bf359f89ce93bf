"""What a turn did is read step by step, whole or in part, without secrets and within bounds."""

import time
from typing import Any

import orjson
import pytest

from executions.conftest import EXECUTIONS, TalkTo
from neo.executions.steps.redact import is_secret_name, redact, redact_text
from neo.executions.steps.shown import DATA_BYTES_MAX, capped
from neo.kit import hide

THINKS = "reasoning=2,tokens=1,tool=gated"
# Of a turn that asked for one gated call, which was allowed.
TRACE = [
    "USER_MESSAGE",
    "THOUGHT",
    "THOUGHT",
    "TOOL_CALL",
    "TIL_REQUESTED",
    "TIL_RESOLVED",
    "TOOL_RESULT",
    "THOUGHT",
    "FINAL_MESSAGE",
]
ON_THE_WAY = TRACE[:5]


async def test_steps_are_the_trace_of_a_turn_while_it_waits_and_after(talk_to: TalkTo) -> None:
    talk = await talk_to(THINKS)
    turn = await talk.say("Reset the password of Zoe")
    waiting = await talk.steps(turn)
    await talk.decide(turn)

    steps = await talk.steps(turn)

    assert [step["type"] for step in waiting] == ON_THE_WAY
    assert [step["type"] for step in steps] == TRACE
    assert steps[:5] == waiting
    assert [step["sequence"] for step in steps] == sorted({step["sequence"] for step in steps})
    asked, call, result = steps[0], steps[3], steps[6]
    assert (asked["data"]["text"], asked["message"]) == (
        "Reset the password of Zoe",
        "Reset the password of Zoe",
    )
    assert (call["tool_type_name"], call["data"]["input"]) == ("gated", {"round": 1, "call": 1})
    assert (result["tool_call_id"], result["is_error"]) == (call["tool_call_id"], False)
    assert result["data"]["output"] == {"ran": "gated", "with": {"round": 1, "call": 1}}
    assert steps[-1]["data"]["text"].endswith("w1 ")
    assert {step["execution_id"] for step in steps} == {turn}


async def test_steps_are_filtered_indexed_and_read_one_by_one(talk_to: TalkTo) -> None:
    talk = await talk_to("tokens=1,calls=2,tool=look_up+find")
    turn = await talk.say("Look")

    index = await talk.steps(turn, include_data="false")
    calls = await talk.steps(turn, type="tool_call,TOOL_RESULT")
    of_tool = await talk.steps(turn, tool_type_name="LOOK_UP")
    [alone] = await talk.steps(turn, step_id=index[-1]["step_id"])
    nothing = [await talk.steps(turn, step_id=step) for step in ("1", "x", "9" * 40)]

    assert all(step["data"] is None for step in index)
    assert {step["type"] for step in calls} == {"TOOL_CALL", "TOOL_RESULT"}
    assert [step["type"] for step in of_tool] == ["TOOL_CALL", "TOOL_RESULT"]
    assert of_tool[1]["is_error"]
    assert of_tool[1]["data"]["error"]["code"] == "unknown_tool"
    assert alone == {**index[-1], "data": alone["data"]}
    assert alone["data"]["text"]
    assert nothing == [[], [], []]


async def test_pages_of_a_sessions_steps_go_on_over_its_turns(talk_to: TalkTo) -> None:
    talk = await talk_to("tokens=1")
    turns = [await talk.say(f"Number {number}") for number in range(3)]

    whole = await talk.steps(talk.session)
    paged: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        params: dict[str, Any] = {"page_size": 2, **({"cursor": cursor} if cursor else {})}
        body = (await talk.account.http.get(f"{EXECUTIONS}/{talk.session}/steps", params=params)).json()
        paged += body["data"]
        cursor = body["meta"]["pagination"]["next_cursor"]
        if cursor is None:
            break

    assert paged == whole
    assert [step["execution_id"] for step in whole] == [turn for turn in turns for _ in range(2)]


async def test_a_turn_that_failed_ends_with_its_error(talk_to: TalkTo) -> None:
    talk = await talk_to("status=400")

    [asked, failed] = await talk.steps(await talk.say("Hello"))

    assert asked["type"] == "USER_MESSAGE"
    assert (failed["type"], failed["is_error"]) == ("ERROR", True)
    assert failed["data"]["code"]


async def test_an_unknown_type_of_step_is_refused(talk_to: TalkTo) -> None:
    talk = await talk_to("tokens=1")

    answer = await talk.account.http.get(f"{EXECUTIONS}/{talk.session}/steps", params={"type": "DREAM"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "execution_filter_invalid")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"password": "hunter2"}, {"password": "***"}),
        (
            {"a": [{"apiKey": "k", "client_secret": "s", "X-Api-Key": 7}]},
            {"a": [{"apiKey": "***", "client_secret": "***", "X-Api-Key": "***"}]},
        ),
        ({"temporary_password": {"value": "x"}}, {"temporary_password": "***"}),
        (
            {"token": None, "has_password": True, "password": ""},
            {"token": None, "has_password": True, "password": ""},
        ),
        (
            {"max_tokens": 5, "token_count": 5, "next_page_token": "p", "tokens": 1},
            {"max_tokens": 5, "token_count": 5, "next_page_token": "p", "tokens": 1},
        ),
        ('{"password": "hun\\"ter2", "name": "Zoe"}', '{"password": "***", "name": "Zoe"}'),
        ("user=zoe password=hunter2&x=1", "user=zoe password=***&x=1"),
        ("Authorization: Bearer abc.def-ghi", "Authorization: ***"),
        ("curl -H 'bearer abcdefgh1234'", "curl -H 'bearer ***'"),
        (
            "no connection to postgresql://admin:hunter2@db:5432 (1)",
            "no connection to postgresql://admin:***@db:5432 (1)",
        ),
        ("the ticket is closed: done", "the ticket is closed: done"),
        ("known-value-of-a-secret stands here", "*** stands here"),
    ],
)
def test_secrets_are_taken_out_by_name_and_by_value(given: Any, shown: Any) -> None:
    hide(["known-value-of-a-secret"])

    assert redact(given) == shown


@pytest.mark.parametrize("name", ["user", "keyboard", "passenger", "tokenizer_name", "key", "id", ""])
def test_what_is_no_secrets_name_is_left_alone(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "text",
    ["a" * 200_000, 'x="' * 60_000, "a-" * 100_000, "password: " * 20_000, "\\" * 200_000, "://a:" * 40_000],
)
def test_no_text_takes_long_to_clean(text: str) -> None:
    began = time.process_time()

    redact_text(text)

    assert time.process_time() - began < 2


def test_data_over_its_bound_is_cut_and_says_so() -> None:
    short: dict[str, Any] = {"input": {"a": 1}, "gate": "AUTO"}

    cut = capped({"output": ["x" * 100] * 5_000, "artifact_id": "1", "status": "OK"})

    assert capped(short) == short
    assert len(orjson.dumps(cut)) < DATA_BYTES_MAX
    assert (cut["truncated"], cut["artifact_id"], cut["output"][:5]) == (True, "1", '["xxx')
