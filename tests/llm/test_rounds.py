"""Calls and their outcomes, as they are sent in each dialect."""

import re
from contextlib import aclosing, suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.raw_provider import raw_provider, refusal_head
from llm.rounds import a_round, all_rounds
from neo.errors import Failure
from neo.llm import Image, Models, ModelSpec, Outcome, Prompt, ProviderSettings, Round, Said, Tier, ToolCall
from neo.llm.sendable import sendable

BEFORE = (
    Said("user", "one"),
    Said("assistant", "It rains.", rounds=(a_round("Let me see.", "look_up", "rain", call_id="call_a"),)),
)
PROMPT = Prompt("Be kind.", BEFORE, "two", rounds=(a_round("", "look_up", "sun", "wind", call_id="call_b"),))


async def asked(
    model: str, prompt: Prompt, previous_response_id: str | None = None, *, effort: str | None = None
) -> dict[str, Any]:
    """The body that a provider receives, which refuses every call."""
    async with raw_provider(head=refusal_head(400, b"{}")) as provider:
        settings = ProviderSettings(
            openai_api_key="key",
            openai_base_url=f"{provider.url}/v1",
            compatible_base_url=f"{provider.url}/v1",
            anthropic_api_key="key",
            anthropic_base_url=provider.url,
        )
        models = Models(ModelSpec.parse(model), ModelSpec.parse(model), settings)
        deltas = models.answer(
            models.choose(Tier.FAST, model, effort), prompt, previous_response_id=previous_response_id
        )
        with suppress(Failure):
            async with aclosing(deltas):
                await anext(deltas)
        await models.aclose()
    return provider.asked


def user(text: str, *images: Image) -> Said:
    return Said("user", text, images)


def answer(text: str, *rounds: Round) -> Said:
    return Said("assistant", text, rounds=rounds)


def shown(said: Said) -> str:
    """A message as one line, with how many calls each of its rounds has, and how many images it has."""
    rounds = "".join(f"{one.text} {len(one.calls)}, ".lstrip() for one in said.rounds)
    return f"{said.role}: {rounds}{said.text}" + (f" [{len(said.images)}]" if said.images else "")


def function_call(call_id: str) -> dict[str, str]:
    return {
        "type": "function_call",
        "call_id": call_id,
        "name": "look_up",
        "arguments": '{"query":"weather"}',
    }


def function_call_output(call_id: str, output: str) -> dict[str, str]:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


async def test_the_responses_api_is_given_calls_and_outcomes_as_items() -> None:
    body = await asked("openai:gpt-4o", PROMPT)

    assert body["instructions"] == "Be kind."
    assert body["input"] == [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "Let me see."},
        function_call("call_a"),
        function_call_output("call_a", "rain"),
        {"role": "assistant", "content": "It rains."},
        {"role": "user", "content": "two"},
        function_call("call_b"),
        function_call("call_b2"),
        function_call_output("call_b", "sun"),
        function_call_output("call_b2", "wind"),
    ]


async def test_a_response_that_asked_for_tools_is_continued_with_their_outcomes_only() -> None:
    strange = a_round("", "look_up", "rain", call_id="any id of the provider's")

    body = await asked("openai:gpt-4o", Prompt("", BEFORE, "two", rounds=(*PROMPT.rounds, strange)), "resp_0")

    assert body["previous_response_id"] == "resp_0"
    assert body["input"] == [function_call_output("any id of the provider's", "rain")]


async def test_chat_completions_are_given_calls_and_outcomes_as_messages() -> None:
    body = await asked("compatible:some-model", PROMPT)

    def asking(call_id: str) -> dict[str, Any]:
        function = {"name": "look_up", "arguments": '{"query":"weather"}'}
        return {"id": call_id, "type": "function", "function": function}

    assert [_without_empty(message) for message in body["messages"]] == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "Let me see.", "tool_calls": [asking("call_a")]},
        {"role": "tool", "tool_call_id": "call_a", "content": "rain"},
        {"role": "assistant", "content": "It rains."},
        {"role": "user", "content": "two"},
        {"role": "assistant", "tool_calls": [asking("call_b"), asking("call_b2")]},
        {"role": "tool", "tool_call_id": "call_b", "content": "sun"},
        {"role": "tool", "tool_call_id": "call_b2", "content": "wind"},
    ]


async def test_messages_are_given_calls_and_outcomes_as_blocks() -> None:
    failed = Round(
        "", [ToolCall("call_c", "look_up", "{}")], [Outcome("call_c", "It failed.", is_error=True)]
    )

    body = await asked("anthropic:claude-x", Prompt("", BEFORE, "two", rounds=(failed,)))

    use, result = body["messages"][1]["content"][-1], body["messages"][2]["content"][0]
    assert (use["type"], use["id"], use["input"]) == ("tool_use", "call_a", {"query": "weather"})
    assert (result["type"], result["tool_use_id"], result["is_error"]) == ("tool_result", "call_a", False)
    assert result["content"] == [{"type": "text", "text": "rain"}]
    assert [message["role"] for message in body["messages"]] == [
        "user",
        "assistant",
        "user",
        "assistant",
        "user",
        "assistant",
        "user",
    ]
    assert body["messages"][-1]["content"][0]["is_error"] is True


@pytest.mark.parametrize("model", ["anthropic:claude-x", "compatible:some-model"])
async def test_blank_texts_are_left_out_or_replaced(model: str) -> None:
    body = await asked(model, Prompt("", (), "one", rounds=(a_round("\n\n", "look_up", " "),)))

    assert "(nothing)" in str(body["messages"][-1])
    assert "\\n\\n" not in str(body["messages"][-2])


LOOKED = a_round("", "look_up", "rain", call_id="call_a")
LOOKED_AGAIN = a_round("Again.", "look_up", "sun", call_id="call_b")
PICTURE = Image("image/png", b"x")


@pytest.mark.parametrize(
    ("transcript", "message", "sent"),
    [
        ([], "hi", ["user: hi"]),
        ([user("one"), answer("1")], "two", ["user: one", "assistant: 1", "user: two"]),
        ([user("one"), answer("")], "two", ["user: one", "assistant: (no answer)", "user: two"]),
        ([user("one"), answer("\n \t")], "two", ["user: one", "assistant: (no answer)", "user: two"]),
        ([user("one"), answer("", LOOKED)], "two", ["user: one", "assistant: 1, (no answer)", "user: two"]),
        ([user("one")], "two", ["user: one\n\ntwo"]),
        (
            [user("one"), user("two"), answer("1")],
            "three",
            ["user: one\n\ntwo", "assistant: 1", "user: three"],
        ),
        ([user("one"), answer("1"), answer("2")], "two", ["user: one", "assistant: 1\n\n2", "user: two"]),
        ([user("one"), answer(""), answer("2")], "two", ["user: one", "assistant: 2", "user: two"]),
        (
            [user("one"), answer("1", LOOKED), answer("2", LOOKED_AGAIN)],
            "two",
            ["user: one", "assistant: 1, 1\n\nAgain. 1, 2", "user: two"],
        ),
        ([answer("1")], "two", ["user: (nothing)", "assistant: 1", "user: two"]),
        ([user(" "), answer("1")], "two", ["user: (nothing)", "assistant: 1", "user: two"]),
        ([user(" ", PICTURE), answer("1")], "two", ["user:  [1]", "assistant: 1", "user: two"]),
        ([user("one", PICTURE)], "two", ["user: one\n\ntwo [1]"]),
        ([], "\n", ["user: (nothing)"]),
    ],
)
def test_messages_alternate_and_none_is_blank(transcript: list[Said], message: str, sent: list[str]) -> None:
    whole = sendable(Prompt("", transcript, message))

    assert [shown(said) for said in (*whole.transcript, Said("user", whole.message, whole.images))] == sent


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        ('{"query": "x"}', '{"query": "x"}'),
        ("not JSON", '{"arguments":"not JSON"}'),
        ("[1]", '{"arguments":"[1]"}'),
        (" ", "{}"),
        ("[" * 2_000 + "]" * 2_000, '{"arguments":"%s"}' % ("[" * 2_000 + "]" * 2_000)),
    ],
)
def test_the_arguments_of_a_call_are_an_object(arguments: str, sent: str) -> None:
    asked = Round(" ", [ToolCall("call_a", "look_up", arguments)], [Outcome("call_a", "\n")])

    [round_sent] = sendable(Prompt("", (), "hi", rounds=(asked,))).rounds

    assert (round_sent.text, round_sent.calls[0].arguments_json) == ("", sent)
    assert round_sent.outcomes[0].text == "(nothing)"


def test_a_call_without_its_outcome_is_no_round() -> None:
    call = ToolCall("call_a", "look_up", "{}")

    for calls, outcomes in [([call], []), ([], []), ([call], [Outcome("call_b", "found")])]:
        with pytest.raises(ValueError, match="one outcome for each call"):
            Round("", calls, outcomes)


given_ids = st.sampled_from(["call_1", "call_2", "", "0", "two words", "x" * 41]) | st.text(max_size=60)
names = st.sampled_from(["look_up", "multi_tool_use.parallel", "", "y" * 65]) | st.text(max_size=80)


@st.composite
def some_rounds(draw: st.DrawFn) -> Round:
    calls = [
        ToolCall(draw(given_ids), draw(names), "{}")
        for _ in range(draw(st.integers(min_value=1, max_value=4)))
    ]
    outcomes = [Outcome(call.call_id, f"outcome {number}") for number, call in enumerate(calls)]
    return Round("", calls, outcomes)


@given(st.lists(some_rounds(), max_size=4), st.lists(some_rounds(), max_size=4))
def test_whatever_models_name_their_calls_each_has_an_id_of_its_own(
    earlier: list[Round], rounds: list[Round]
) -> None:
    prompt = Prompt("", (Said("assistant", "", rounds=earlier),), "", rounds=rounds)

    sent = all_rounds(sendable(prompt))

    ids = [call.call_id for one in sent for call in one.calls]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,40}", one) for one in ids)
    assert [outcome.text for one in sent for outcome in one.outcomes] == [
        outcome.text for one in all_rounds(prompt) for outcome in one.outcomes
    ]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", call.name) for one in sent for call in one.calls)


def _without_empty(message: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in message.items() if value not in (None, "")}
