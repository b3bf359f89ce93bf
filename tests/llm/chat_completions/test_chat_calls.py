"""Calls of tools, as compatible servers stream them."""

import re
from typing import Any

import pytest

from llm.chat_completions.talk import (
    CALLS,
    DONE,
    STOP,
    Told,
    a_call,
    answered,
    called,
    choice,
    chunk,
    data,
    said,
    told,
)
from neo.errors import Failure
from neo.llm import ProviderIncomplete, ToolCall

ONE = Told(calls=[("look_up", '{"q":1}')], finish="tool-calls")
TWO = Told(calls=[("look_up", '{"q":1}'), ("say", '{"w":{}}')], finish="tool-calls")
FIRST: dict[str, Any] = {"name": "look_up", "call_id": "a"}
SECOND: dict[str, Any] = {"name": "say", "call_id": "b"}
TWICE = Told(calls=[("look_up", '{"q":1}'), ("look_up", '{"q":2}')], finish="tool-calls")
EMPTY: list[Any] = ["", None, "{}", " ", {}]


def calls(*entries: Any, finish: Any = None) -> bytes:
    return chunk(tool_calls=list(entries), finish=finish)


def whole_message(name: str, *entries: Any) -> bytes:
    return data(object=name, choices=[{"message": {"content": None, "tool_calls": entries}}])


@pytest.mark.parametrize(
    ("writes", "expected"),
    [
        pytest.param([called(**FIRST), called('{"q"'), called(":1}"), CALLS], ONE, id="in pieces"),
        pytest.param([called('{"q":1}', **FIRST), CALLS], ONE, id="whole"),
        pytest.param([called('{"q":1}', **FIRST), STOP], ONE, id="stop"),
        pytest.param([calls(a_call('{"q":1}', **FIRST), finish="tool_calls")], ONE, id="with the finish"),
        pytest.param([CALLS, called('{"q":1}', **FIRST), DONE], ONE, id="after the finish"),
        pytest.param([called({"q": 1}, **FIRST), CALLS], ONE, id="an object"),
        pytest.param(
            [called('{"q"', **FIRST), called(":1", **FIRST), called("}", **FIRST), CALLS], ONE, id="repeated"
        ),
        pytest.param(
            [called('{"q"', name="look_up", call_id="a"), called(":1}", name="look_up", call_id="b"), CALLS],
            ONE,
            id="a new id each time",
        ),
        pytest.param(
            [called('{"q"', call_id="a"), called(":1}", name="look_up"), CALLS], ONE, id="a late name"
        ),
        pytest.param(
            [called(name="look"), called(name="_up"), called('{"q":1}'), CALLS], ONE, id="a name in pieces"
        ),
        pytest.param(
            [called(name="look"), called(name="look_up"), called('{"q":1}'), CALLS],
            ONE,
            id="a name that grows",
        ),
        pytest.param([called(None, **FIRST), called('{"q":1}', name=None), CALLS], ONE, id="nulls"),
        pytest.param(
            [called('{"q"', index=None, **FIRST), called(":1}", index=None), CALLS], ONE, id="without index"
        ),
        pytest.param(
            [called('{"q"', index=None, name="look_up"), called(":1}", index=None, name="look_up"), CALLS],
            ONE,
            id="without index or id",
        ),
        pytest.param(
            [
                chunk(function_call={"name": "look_up", "arguments": ""}),
                chunk(function_call={"arguments": '{"q":1}'}),
                chunk(finish="function_call"),
            ],
            ONE,
            id="the old form",
        ),
        pytest.param(
            [calls({"index": 0, "id": "a", "name": "look_up", "arguments": '{"q":1}'}), CALLS],
            ONE,
            id="a flat call",
        ),
        pytest.param(
            [
                data(
                    object="chat.completion",
                    choices=[
                        {
                            "message": {
                                "content": None,
                                "tool_calls": [a_call('{"q":1}', index=None, **FIRST)],
                            },
                            "finish_reason": "tool_calls",
                        }
                    ],
                )
            ]
            * 2,
            ONE,
            id="a message, twice",
        ),
        *(
            pytest.param(
                [called("", **FIRST), whole_message(name, a_call('{"q":1}', **FIRST)), CALLS],
                ONE,
                id=f"its arguments only in a message, {name}",
            )
            for name in ("chat.completion", "chat.completion.chunk")
        ),
        pytest.param(
            [
                called('{"q":1}', **FIRST),
                whole_message(
                    "chat.completion", a_call('{"q":1}', **FIRST), a_call('{"w":{}}', index=1, **SECOND)
                ),
                CALLS,
            ],
            TWO,
            id="the second only in a message",
        ),
        pytest.param(
            [
                called('{"q":1}', **FIRST),
                called('{"w":{}}', index=1, **SECOND),
                whole_message("chat.completion", a_call('{"q":1}', **FIRST)),
                CALLS,
            ],
            TWO,
            id="a message that leaves out one",
        ),
        pytest.param(
            [
                said("Hello"),
                data(choices=[{"message": {"content": "Hello", "tool_calls": [a_call('{"q":1}', **FIRST)]}}]),
                CALLS,
            ],
            Told("Hello", calls=ONE.calls, finish="tool-calls"),
            id="only in a message after the text",
        ),
        pytest.param(
            [
                called('{"q":1}', **FIRST),
                data(choices=[{"message": {"content": "Hello", "tool_calls": [a_call('{"q":1}')]}}]),
                CALLS,
            ],
            Told("Hello", calls=ONE.calls, finish="tool-calls"),
            id="the text only in a message after it",
        ),
        *(
            pytest.param(
                [called(first, **FIRST), called('{"q":1}', **more), CALLS],
                ONE,
                id=f"{first} and then all, {more}",
            )
            for first in ('{"q":1}', "{}", '{"q":7}')
            for more in (FIRST, {"call_id": "a"}, {})
        ),
        pytest.param(
            [called("{}", **FIRST), called('{"q"'), called(":1}"), CALLS], ONE, id="nothing and then pieces"
        ),
        *(
            pytest.param(
                [
                    calls(
                        {**a_call(), "index": zero, "id": "a", "function": {"name": "look_up"}},
                        {**a_call(), "index": one, "id": "b", "function": {"name": "say"}},
                    ),
                    calls({**a_call('{"w":{}}'), "index": one}),
                    calls({**a_call('{"q":1}'), "index": zero}),
                    CALLS,
                ],
                TWO,
                id=f"index {zero!r}",
            )
            for zero, one in (("0", "1"), (0.0, 1.0))
        ),
        pytest.param(
            [called("", **FIRST), called("", **FIRST | {"call_id": "b"}), CALLS],
            Told(calls=[("look_up", "{}")] * 2, finish="tool-calls"),
            id="two of one name at one index without arguments",
        ),
        *(
            pytest.param(
                [called(nothing, **FIRST), CALLS],
                Told(calls=[("look_up", "{}")], finish="tool-calls"),
                id=f"{nothing!r}",
            )
            for nothing in EMPTY
        ),
        pytest.param(
            [called("{'q'", **FIRST), STOP],
            Told(calls=[("look_up", "{'q'")], finish="tool-calls"),
            id="no JSON",
        ),
        pytest.param(
            [said("Let me see."), called('{"q":1}', **FIRST), CALLS],
            Told("Let me see.", calls=ONE.calls, finish="tool-calls"),
            id="with text",
        ),
        pytest.param(
            [chunk(reasoning="hm"), called('{"q":1}', **FIRST), CALLS],
            Told(reasoning="hm", calls=ONE.calls, finish="tool-calls"),
            id="with thoughts",
        ),
        pytest.param(
            [called('{"q":1}', **FIRST), called('{"w":{}}', index=1, **SECOND), CALLS], TWO, id="two"
        ),
        pytest.param(
            [
                calls(a_call("", **FIRST), a_call("", index=1, **SECOND)),
                called('{"w":', index=1),
                called('{"q":1}'),
                called("{}}", index=1),
                CALLS,
            ],
            TWO,
            id="two at once",
        ),
        pytest.param(
            [called('{"w":{}}', index=1, **SECOND), called('{"q":1}', **FIRST), CALLS],
            TWO,
            id="two, the second first",
        ),
        pytest.param(
            [called('{"q":1}', **FIRST), called('{"w":{}}', **SECOND), CALLS], TWO, id="two at one index"
        ),
        pytest.param(
            [
                called('{"q":1}', name="look_up", call_id=""),
                called('{"q":2}', name="look_up", call_id=""),
                CALLS,
            ],
            TWICE,
            id="two of one name at one index",
        ),
        pytest.param(
            [
                calls(
                    a_call('{"q":1}', index=None, name="look_up"),
                    a_call('{"q":2}', index=None, name="look_up"),
                ),
                CALLS,
            ],
            TWICE,
            id="two without index or id",
        ),
        pytest.param(
            [
                called(index=None, **FIRST),
                called('{"q":1}', index=None),
                called(index=None, **SECOND),
                called('{"w":{}}', index=None),
                CALLS,
            ],
            TWO,
            id="two without index",
        ),
        pytest.param(
            [called('{"q":1}', index=3, **FIRST), called('{"w":{}}', index=7, **SECOND), CALLS],
            TWO,
            id="gaps",
        ),
        pytest.param([called('{"q":1', **FIRST), chunk(finish="length")], Told(finish="length"), id="cut"),
        pytest.param(
            [called("", **FIRST), chunk(finish="length")],
            Told(finish="length"),
            id="cut before its arguments",
        ),
        pytest.param(
            [called("", call_id="a"), chunk(finish="length")], Told(finish="length"), id="cut before its name"
        ),
        pytest.param(
            [called('{"q":1}', **FIRST), called('{"w"', index=1, **SECOND), chunk(finish="length")],
            Told(calls=ONE.calls, finish="length"),
            id="the second cut",
        ),
        *(
            pytest.param(
                [called(**FIRST), called('{"q"', index=1, **more), called(":1}", index=2, **more), CALLS],
                ONE,
                id=f"an index that counts, {more}",
            )
            for more in ({}, {"call_id": "a"}, FIRST)
        ),
        pytest.param(
            [called('{"q"', index=0, name="look_up"), called(":1}", index=1, name="look_up"), CALLS],
            ONE,
            id="an index that counts, a name and no id",
        ),
        pytest.param(
            [called('{"q":1}', **FIRST), called("", index=1, **FIRST), CALLS],
            ONE,
            id="an index that counts, all and then nothing",
        ),
        pytest.param(
            [called(index=None, **FIRST), called('{"q":1}'), CALLS], ONE, id="an index that comes late"
        ),
        pytest.param(
            [
                called(**FIRST),
                called(index=1, **SECOND),
                called('{"q":1}', index=2, call_id="a"),
                called('{"w":{}}', index=3, call_id="b"),
                CALLS,
            ],
            TWO,
            id="two, told apart by their ids",
        ),
        pytest.param(
            [
                called(name="look_up"),
                called('{"q"'),
                called(":1}"),
                called(name="look_up"),
                called('{"q"'),
                called(":2}"),
                CALLS,
            ],
            TWICE,
            id="two of one name at one index in pieces",
        ),
        pytest.param(
            [called('{"q":1}', name="look_up"), called("", name="look_up"), CALLS],
            ONE,
            id="a name that comes again with the end",
        ),
        pytest.param(
            [called("", name="say"), called("", index=1, name="say"), CALLS],
            Told(calls=[("say", "{}")] * 2, finish="tool-calls"),
            id="two of one name without arguments",
        ),
        pytest.param(
            [
                called('{"q"', index=None, **FIRST),
                called(":1}", index=None, name="look_up", call_id="b"),
                CALLS,
            ],
            ONE,
            id="a new id each time and no index",
        ),
        pytest.param(
            [calls(a_call('{"q":1}', index=None, **FIRST), a_call('{"q":2}', index=None, **FIRST)), CALLS],
            TWICE,
            id="two of one id in a list",
        ),
        pytest.param(
            [called('{"q"', **FIRST), called('{"q":1'), called('{"q":1}'), CALLS],
            ONE,
            id="all of the arguments each time",
        ),
        pytest.param([called('{"q":1}', **FIRST), called("{}"), CALLS], ONE, id="nothing in the end"),
        pytest.param(
            [called('{"q":', **FIRST), called('{"q":1}'), called("}"), CALLS],
            Told(calls=[("look_up", '{"q":{"q":1}}')], finish="tool-calls"),
            id="alike within itself",
        ),
        pytest.param(
            [called('{"q":1}', call_id="a"), called(name="look_up"), CALLS], ONE, id="a name in the end"
        ),
        pytest.param(
            [
                called('{"q"', **FIRST),
                called(index=1, **SECOND | {"call_id": "a"}),
                called(":1}", call_id="a"),
                called('{"w":{}}', index=1, call_id="a"),
                CALLS,
            ],
            TWO,
            id="two of one id in turns",
        ),
        pytest.param([chunk(tool_calls=[]), chunk(tool_calls=None), said("a"), STOP], Told("a"), id="none"),
        pytest.param([said("a"), CALLS], Told("a", finish="tool-calls"), id="a word without calls"),
    ],
)
async def test_calls_are_put_together(writes: list[bytes], expected: Told) -> None:
    assert await told(*writes, DONE) == expected
    assert await told(b"".join(writes)) == expected


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["a", "b"], [True, True]),
        ([None, None], [False, False]),
        (["a", "a"], [True, False]),
        (["x" * 501, ""], [False] * 2),
    ],
)
async def test_each_call_has_an_id_of_its_own(given: list[Any], kept: list[bool]) -> None:
    writes = [called("{}", index=index, name="say", call_id=one) for index, one in enumerate(given)]

    found = [
        delta.call_id for delta in (await answered(*writes, CALLS)).deltas if isinstance(delta, ToolCall)
    ]

    assert [one == told for one, told in zip(found, given, strict=True)] == kept
    assert len(set(found)) == 2
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,40}", one) for one in found)


@pytest.mark.parametrize(
    "writes",
    [
        [called("{}", call_id="a"), CALLS],
        [called('{"q":1}', **FIRST), chunk(finish="abort")],
        [called('{"q":1}', **FIRST), DONE],
        [called('{"q":1}', **FIRST)],
        [called('{"q":', **FIRST), choice({"delta": {}, "finish_reason": "error"})],
    ],
)
async def test_calls_of_an_answer_that_is_none_are_none(writes: list[bytes]) -> None:
    with pytest.raises(ProviderIncomplete):
        await told(*writes)


async def test_half_an_emoji_in_arguments_is_replaced() -> None:
    def say(arguments: bytes) -> bytes:
        return called("X", name="say").replace(b'"X"', b'"%b"' % arguments)

    halves = [say(b'{\\"w\\":\\"\\ud83d'), say(b'\\ude00\\"}')]

    assert (await told(say(b'{\\"w\\":\\"\\ud83d\\"}'), CALLS)).calls == [("say", '{"w":"\ufffd"}')]
    joined = ("say", '{"w":"\U0001f600"}')
    assert (await told(*halves, CALLS)).calls == [joined]
    assert (await told(*halves, chunk(finish="length"))).calls == [joined]
    assert (await told(*halves, called("{}", name="say"), CALLS)).calls == [joined, ("say", "{}")]


async def test_arguments_without_end_are_stopped() -> None:
    with pytest.raises(Failure) as raised:
        await told(called("{", **FIRST), called("x" * 1_000_001), CALLS)

    assert raised.value.code == "answer_too_long"
