"""Thoughts in the text are told from the answer, wherever the text is cut, and nothing of it is lost."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.asking import a_model
from llm.chat_completions.talk import (
    CALLS,
    STOP,
    Told,
    answered,
    called,
    chunk,
    said,
    text_deltas,
    thought,
    told,
)
from neo.llm import Traits
from neo.llm.model_families import end_of_first_thoughts
from neo.llm.reading.thoughts import Thoughts

HELLO = Told("Hello", "pondering")
LITERAL = "Use the <think> tag, then </think>, as in `<think>x</think>`."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<think>pondering</think>\n\nHello", HELLO),
        ("\n <think>\npondering</think>Hello", HELLO),
        ("<think>pondering</think> Hello", HELLO),
        ("<think>pondering</think>\n\n    Hello", Told("    Hello", "pondering")),
        ("<think>\n\n</think>\n\nHello", Told("Hello")),
        ("<think></think>Hello", Told("Hello")),
        ("<think>a < b </thin </think>Hello", Told("Hello", "a < b </thin ")),
        ("<think>a</think>b</think>c", Told("b</think>c", "a")),
        ("<think>a</think>\n", Told("", "a")),
        ("<thinking>pondering</thinking>\nHello", HELLO),
        ("<thought>pondering</thought>Hello", HELLO),
        ("[THINK]pondering[/THINK]Hello", HELLO),
        ("<seed:think>pondering</seed:think>Hello", HELLO),
        ("◁think▷pondering◁/think▷Hello", HELLO),
        (LITERAL, Told(LITERAL)),
        ("```xml\n<think>x</think>\n```", Told("```xml\n<think>x</think>\n```")),
        ("Hello</think>", Told("Hello</think>")),
        ("<thin ice>", Told("<thin ice>")),
        ("<", Told("<")),
        (" \n", Told(" \n")),
        ("[1, 2]", Told("[1, 2]")),
    ],
)
async def test_thoughts_are_told_from_the_answer_in_every_cut(text: str, expected: Told) -> None:
    assert await told(*map(said, text), STOP) == expected
    for place in range(len(text) + 1):
        assert split(text[:place], text[place:]) == (expected.text, expected.reasoning)


async def test_thoughts_without_an_end_are_said_where_nothing_else_is() -> None:
    text = "<think> is a tag that models begin their thoughts with."

    assert (await told(said(text), STOP)).text == text
    assert await told(said(text), chunk(finish="length")) == Told("", text[8:], finish="length")
    assert await told(said("<think>hm"), called("{}", name="look_up"), CALLS) == Told(
        "", "hm", [("look_up", "{}")], "tool-calls"
    )


@pytest.mark.parametrize("text", ["pondering</think>\n\nHello", "\npondering\n</think>Hello"])
async def test_a_template_that_begins_the_thoughts_leaves_only_their_end(text: str) -> None:
    for writes in ([said(text)], [said(one) for one in text]):
        found = await told(*writes, STOP, model="DeepSeek-R1-Distill-Llama-8B")
        assert (found.text, found.reasoning.strip()) == ("Hello", "pondering")
        # Of any other model the end alone is a text about tags, although the model reasons.
        assert await told(*writes, STOP, traits=Traits(reasons=True)) == Told(text)


async def test_such_a_model_that_did_not_think_is_heard_too() -> None:
    assert (await told(said("Hel"), said("lo"), STOP, model="qwq:32b")).text == "Hello"
    assert await told(thought("pondering"), said("Hel"), said("lo"), STOP, model="qwq:32b") == HELLO


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("deepseek-ai/DeepSeek-R1-0528", "</think>"),
        ("deepseek-r1:8b", "</think>"),
        ("nvidia/NVIDIA-Nemotron-Nano-9B-v2", "</think>"),
        ("Qwen/QwQ-32B", "</think>"),
        ("qwen3-235b-a22b-thinking-2507", "</think>"),
        ("allenai/Olmo-3-7B-Think", "</think>"),
        ("baidu/ERNIE-4.5-21B-A3B-Thinking", "</think>"),
        ("inclusionAI/Ring-1T", "</think>"),
        ("ring-mini-2.0", "</think>"),
        ("LGAI-EXAONE/EXAONE-Deep-7.8B", "</thought>"),
        ("qwen3:8b", None),
        ("llama-3.1-nemotron-70b-instruct", None),
        ("deepseek-chat", None),
        ("spring-1", None),
        ("gpt-4o", None),
    ],
)
def test_whose_template_begins_the_thoughts(name: str, end: str | None) -> None:
    assert end_of_first_thoughts(a_model(name)) == end
    assert end_of_first_thoughts(a_model("deployment-7", family=name)) == end


async def test_thoughts_that_a_template_begins_end_with_its_own_tag() -> None:
    writes = [said("ponder"), said("ing</thou"), said("ght>Hello"), STOP]

    assert await told(*writes, model="EXAONE-Deep-7.8B") == HELLO


async def test_an_ordinary_answer_is_not_held_back() -> None:
    received = await answered(
        said("<b>"), said("Hel"), said("</think>"), said("lo"), STOP, pause_seconds=0.05
    )

    assert text_deltas(received) == ["<b>", "Hel", "</think>", "lo"]


texts = st.lists(
    st.sampled_from(["<think>", "</think>", "<", "think>", "\n", " ", "a", "</", "[THINK]"]), max_size=8
)


@given(texts.map("".join), st.lists(st.integers(0, 60), max_size=6), st.booleans())
def test_every_cut_gives_the_same_and_nothing_is_lost(text: str, cuts: list[int], are_begun: bool) -> None:  # noqa: FBT001
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[begin:end] for begin, end in pairwise(places)]

    said_text, thoughts = split(*pieces, are_begun=are_begun)

    assert (said_text, thoughts) == split(text, are_begun=are_begun)
    kept = said_text + thoughts
    assert kept.count("a") >= text.count("a")
    if "</think>" not in text and "[/THINK]" not in text:
        assert said_text == text


def split(*pieces: str, are_begun: bool = False) -> tuple[str, str]:
    thoughts = Thoughts(begun_until="</think>" if are_begun else None)
    found = [one for piece in pieces for one in thoughts.add(piece)] + [*thoughts.rest(is_answer=True)]
    return tuple("".join(text for kind, text in found if kind == wanted) for wanted in ("text", "reasoning"))  # type: ignore[return-value]
