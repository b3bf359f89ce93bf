"""A call that a model asked for becomes a row, with an id of ours and a digest of what would run."""

import ast
import re
from typing import Any
from uuid import UUID

import pytest

from neo.calls import Past, plan_calls
from neo.calls.plan import may_fit
from neo.connections import Effect, Gate
from neo.llm import Address, ChosenModel, Provider, ToolCall
from neo.toolbox import OfferedTool
from neo.turns.segments.rounds import SettledRounds


def model(provider: Provider) -> ChosenModel:
    return ChosenModel(
        provider=provider,
        name="m",
        dialect=provider.dialect,
        address=Address("http://127.0.0.1:1", "key", "eu"),
        region="eu",
        reasoning_effort=None,
        prompt_tokens_max=1_000,
        answer_tokens_max=1_000,
        continues=True,
        sees_images=False,
    )


def test_calls_keep_their_order_and_get_ids_that_no_two_share() -> None:
    planned = plan_calls([ToolCall("one", "look", '{"of": 1}')] * 3, model(Provider.OPENAI))

    assert [call["position"] for call in planned] == [1, 2, 3]
    assert len({call["id"] for call in planned}) == 3
    assert all(re.fullmatch(r"call_[\w-]{22}", call["id"]) for call in planned)
    assert planned[0]["provider_call_id"] == "one"
    assert planned[0]["arguments"] == {"of": 1}


def test_the_digest_is_of_what_would_run_however_it_was_written() -> None:
    same = [ToolCall("1", "look", '{"a": 1, "b": 2}'), ToolCall("2", "look", '{"b":2,"a":1}')]
    others = [ToolCall("3", "look", '{"a": 1, "b": 3}'), ToolCall("4", "see", '{"a": 1, "b": 2}')]

    first, again, *different = [
        call["digest"] for call in plan_calls([*same, *others], model(Provider.OPENAI))
    ]

    assert first == again
    assert len({first, *different}) == 3


DEEP = "[" * 900 + "]" * 900


@pytest.mark.parametrize(
    ("given", "arguments", "raw"),
    [
        ("{broken", {}, "{broken"),
        ("", {}, None),
        ('{"d": "a\\u0000b", "\\u0000": ["\\u0000"]}', {"d": "a\ufffdb", "\ufffd": ["\ufffd"]}, None),
        ('{"d": "\\ud83d"}', {}, '{"d": "\\ud83d"}'),
        ('"\\ud83d\\ude00"', {}, "\U0001f600"),
        (DEEP, {}, DEEP),
        ("[" * 64 + "]" * 64, {}, "[" * 64 + "]" * 64),
        ('{"a":' + "[" * 31 + "]" * 31 + "}", {"a": ast.literal_eval("[" * 31 + "]" * 31)}, None),
        ('{"a":' + "[" * 32 + "]" * 32 + "}", {}, '{"a":' + "[" * 32 + "]" * 32 + "}"),
        ("[" * 5_000, {}, "[" * 5_000),
        ('{"n": 1e400}', {}, '{"n": 1e400}'),
        ('{"a": "' + "x" * 65_536 + '"}', {}, ('{"a":"' + "x" * 65_536)[:65_536]),
    ],
    ids=["broken", "empty", "NUL", "half", "emoji", "900 deep", "64 deep", "32 deep", "33 deep", "open", "infinite",
         "long"],
)  # fmt: skip
def test_arguments_are_an_object_or_kept_as_their_text(
    given: str, arguments: dict[str, Any], raw: str | None
) -> None:
    [planned] = plan_calls([ToolCall("1", "look", given)], model(Provider.OPENAI))

    assert (planned["arguments"], planned["arguments_raw"]) == (arguments, raw)


def test_only_the_scripted_models_calls_are_gated_or_run_apart_by_their_name() -> None:
    calls = [ToolCall("1", "gated", "{}"), ToolCall("2", "apart", "{}"), ToolCall("3", "look", "{}")]

    scripted, real = (plan_calls(calls, model(one)) for one in (Provider.SCRIPTED, Provider.OPENAI))

    assert [(one["gate"], one["runs_apart"]) for one in scripted] == [
        ("APPROVAL", False),
        ("AUTO", True),
        ("AUTO", False),
    ]
    assert {(one["gate"], one["runs_apart"]) for one in real} == {("AUTO", False)}


def test_a_gate_holds_for_arguments_that_are_too_costly_to_judge() -> None:
    twice = {"properties": {"c": {"$ref": "#/$defs/n"}}}
    schema = {"$ref": "#/$defs/n", "$defs": {"n": {"anyOf": [{**twice, "required": ["z"]}, {**twice}]}}}
    arguments: Any = {"c": 1}
    for _ in range(30):
        arguments = {"c": arguments}

    assert may_fit(schema, arguments)
    assert not may_fit({"required": ["z"]}, arguments)


def read_tool() -> OfferedTool:
    return OfferedTool(
        wire_name="desk__read",
        title=None,
        description="",
        input_schema={"type": "object"},
        connection_id=UUID(int=1),
        tool_name="read",
        digest="",
        effect=Effect.READ,
        gate=Gate.NEVER,
        gate_when=None,
        timeout_seconds=30,
        keyed_by=None,
        key_argument=None,
        probe_tool=None,
        tier=None,
        is_untrusted=False,
    )


def test_a_turn_has_sixty_calls() -> None:
    past = [Past(f"{number}", "READ", "OK", "", f"call_{number}", 1, 1) for number in range(55)]
    asked = [ToolCall(f"{number}", "desk__read", f'{{"n": {number}}}') for number in range(8)]

    planned = plan_calls(asked, model(Provider.OPENAI), [read_tool()], past)

    assert [call.get("error_code") for call in planned] == [*[None] * 5, *["too_many_calls"] * 3]
    assert SettledRounds(past=past[:1] * 60, has_tools=True).why_over == "60 calls were made"
