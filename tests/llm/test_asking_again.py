"""A model that asked for tools is asked again with what they answered, over real HTTP."""

import pytest

from llm.asking import Ask, Calls, Received
from llm.rounds import a_round
from neo.llm import (
    Outcome,
    Prompt,
    PromptTooLong,
    ResponseForgotten,
    Round,
    Said,
    ToolCall,
    fit,
)

DIALECTS = ["scripted", "scripted-chat", "scripted-anthropic"]
each_dialect = pytest.mark.parametrize("dialect", DIALECTS)


def answered(received: Received, *outcomes: str) -> Round:
    """The round of an answer that asked for tools."""
    calls = [delta for delta in received.deltas if isinstance(delta, ToolCall)]
    return Round(
        received.text,
        calls,
        [Outcome(call.call_id, text) for call, text in zip(calls, outcomes, strict=True)],
    )


@each_dialect
async def test_each_round_is_answered_until_the_model_asks_for_nothing(ask: Ask, dialect: str) -> None:
    model = f"{dialect}:tool=gated+apart,rounds=2,tokens=2"
    first = await ask(model)
    rounds = [answered(first, "rain", "wind")]
    second = await ask(model, Prompt("", (), "hello", rounds=rounds))
    rounds.append(answered(second, "sun", "snow"))

    last = await ask(model, Prompt("", (), "hello", rounds=rounds))

    assert first.completed.finish_reason == second.completed.finish_reason == "tool-calls"
    assert [call.name for call in rounds[1].calls] == ["gated", "apart"]
    assert second.text == "got rain\ngot wind\nw1 w2 "
    assert last.text == "got sun\ngot snow\nw1 w2 "
    assert last.completed.finish_reason == "stop"


async def test_a_continued_response_is_given_only_the_outcomes(ask: Ask, calls: Calls) -> None:
    name = "tool=apart,rounds=2,recall,key=again"
    earlier = (Said("user", "earlier"), Said("assistant", "Well."))
    received, prompt = Received(), Prompt("Be kind.", earlier, "hello")
    received = await ask(f"scripted:{name}", prompt)
    for outcome in ("rain", "sun"):
        previous = received.completed.response_id
        prompt = Prompt("Be kind.", (), "hello", rounds=[answered(received, outcome)])
        received = await ask(f"scripted:{name}", prompt, previous_response_id=previous)

    assert received.text == "got sun\nearlier\nhello"
    assert [call["input_messages"] for call in await calls(name)] == [3, 1, 1]


async def test_what_a_forgotten_response_asked_for_is_sent_whole(ask: Ask) -> None:
    model = "scripted:tool=apart,forget,in_answer=2,times=1,key=forgotten"
    received = await ask(model)
    prompt = Prompt("", (), "hello", rounds=[answered(received, "rain")])
    with pytest.raises(ResponseForgotten):
        await ask(model, prompt, previous_response_id=received.completed.response_id)

    assert (await ask(model, prompt)).text.startswith("got rain\n")


@each_dialect
async def test_the_rounds_of_earlier_turns_are_given_too(ask: Ask, calls: Calls, dialect: str) -> None:
    name = f"recall,key=earlier-{dialect}"
    rounds = (a_round("Let me see.", "look_up", "rain", "wind"), a_round("", "look_up", "sun"))
    transcript = (
        Said("user", "one"),
        Said("assistant", "It rains.", rounds=rounds),
        Said("user", "two"),
        Said("assistant", "", rounds=rounds[:1]),
    )

    received = await ask(f"{dialect}:{name}", Prompt("", transcript, "three"))

    assert received.text == "one\ntwo\nthree"
    assert (await calls(name))[0]["outcomes"] == ["rain", "wind", "sun", "rain", "wind"]


@each_dialect
async def test_what_one_provider_named_is_accepted_by_every_other(ask: Ask, dialect: str) -> None:
    strange = [
        ToolCall("any id, and a long one, of a gateway's own making", "multi_tool_use.parallel", "not JSON"),
        ToolCall("0", "", "[]"),
        ToolCall("0", "look_up", "{}"),
    ]
    outcomes = [Outcome(call.call_id, f"outcome {number}") for number, call in enumerate(strange)]
    twice = [Round("", strange, outcomes)] * 2

    received = await ask(f"{dialect}:tokens=0", Prompt("", (), "hello", rounds=twice))

    assert received.text == "got outcome 0\ngot outcome 1\ngot outcome 2\n"


@each_dialect
async def test_a_prompt_of_any_length_is_accepted_once_it_is_fitted(ask: Ask, dialect: str) -> None:
    rounds = tuple(a_round("So.", "look_up", "rain", "wind", call_id=f"call_{n}") for n in "abc")
    transcript = (Said("user", "one"), Said("assistant", "It rains.", rounds=rounds))
    prompt = Prompt("", transcript, "two", rounds=rounds)
    kept = set()

    for tokens_max in range(0, 800, 20):
        try:
            fitted = fit(prompt, tokens_max)
        except PromptTooLong:
            continue
        if (fitted.omitted, fitted.omitted_rounds) not in kept:
            kept.add((fitted.omitted, fitted.omitted_rounds))
            await ask(f"{dialect}:tokens=1", fitted.prompt)

    assert kept == {(2, 5), (2, 4), (2, 3), (0, 3), (0, 2), (0, 1), (0, 0)}


async def test_a_response_that_asked_for_tools_cannot_be_continued_with_a_message(ask: Ask) -> None:
    first = await ask("scripted:tool=apart")

    with pytest.raises(ResponseForgotten):
        await ask(
            "scripted:tool=apart",
            Prompt("", (), "never mind"),
            previous_response_id=first.completed.response_id,
        )
