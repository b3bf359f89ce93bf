"""What a response says is told once, whether it comes in deltas, whole, or both, from whatever gateway."""

from itertools import combinations, pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.asking import a_model, joined
from llm.raw_provider import completed, event, said
from neo.llm import Completed, ContentFiltered, Delta, ReasoningDelta, TextDelta, ToolCall
from neo.llm.reading.event import UnreadableError
from neo.llm.responses.reader import ResponseReader
from neo.llm.transport.body import EventDecoder

WHERE = {"item_id": "msg_1", "output_index": 0, "content_index": 0}


def read(*writes: bytes, model: str = "m") -> list[Delta]:
    """What a whole body says, each write of which is a read of its own."""
    reading, events = ResponseReader(a_model(model)), EventDecoder()
    deltas: list[Delta] = []
    for received in (*(events.feed(write) for write in writes), events.end()):
        deltas.extend(reading.deltas(received))
    return [*joined([*deltas, *reading.rest()]), reading.completed()]


def message(*texts: str, item_id: str | None = "msg_1", kind: str = "output_text") -> dict[str, Any]:
    key = "refusal" if kind == "refusal" else "text"
    return {"type": "message", "id": item_id, "content": [{"type": kind, key: text} for text in texts]}


def thoughts(*texts: str, item_id: str = "rs_1") -> dict[str, Any]:
    return {
        "type": "reasoning",
        "id": item_id,
        "summary": [{"type": "summary_text", "text": text} for text in texts],
    }


def call(item_id: str | None = "fc_1", **fields: Any) -> dict[str, Any]:
    asked = {"call_id": "call_1", "name": "look_up", "arguments": '{"q":1}', **fields}
    return {"type": "function_call", "id": item_id, **asked}


def begun(item: dict[str, Any], index: int = 0) -> bytes:
    return event("response.output_item.added", output_index=index, item=item)


def done(item: dict[str, Any], index: int | None = 0) -> bytes:
    return event("response.output_item.done", output_index=index, item=item)


def text_done(text: str, **where: Any) -> bytes:
    return event("response.output_text.done", **{**WHERE, **where}, text=text)


def raw_said(text: str, item_id: str) -> bytes:
    """A delta whose text is written as JSON by hand."""
    return said("?", item_id=item_id).replace(b"?", text.encode())


def part_done(text: str) -> bytes:
    return event("response.content_part.done", **WHERE, part={"type": "output_text", "text": text})


def arguments(text: str, item_id: str = "fc_1") -> bytes:
    return event("response.function_call_arguments.delta", item_id=item_id, output_index=0, delta=text)


def arguments_done(text: str, item_id: str = "fc_1") -> bytes:
    return event("response.function_call_arguments.done", item_id=item_id, output_index=0, arguments=text)


def incomplete(reason: str, *output: dict[str, Any]) -> bytes:
    response = {"status": "incomplete", "incomplete_details": {"reason": reason}, "output": output}
    return event("response.incomplete", response=response)


HALLO = [TextDelta(0, "Hallo")]
CALL = ToolCall("call_1", "look_up", '{"q":1}')
WAYS = {
    "deltas": said("Hal") + said("lo"),
    "some deltas": said("Hal"),
    "text": text_done("Hallo"),
    "part": part_done("Hallo"),
    "item": done(message("Hallo")),
}
ENDS = {"final": completed(output=[message("Hallo")]), "empty final": completed(output=[])}
MIXES = [
    pytest.param([*(WAYS[way] for way in ways), ENDS[end]], id=" + ".join((*ways, end)))
    for size in range(len(WAYS))
    for ways in combinations(WAYS, size)
    for end in ENDS
    if (set(ways) - {"some deltas"} or end == "final") and not {"deltas", "some deltas"} <= set(ways)
]


@pytest.mark.parametrize("writes", MIXES)
def test_a_text_is_told_once_whichever_of_its_ends_come(writes: list[bytes]) -> None:
    assert read(*writes)[:-1] == HALLO
    assert read(b"".join(writes))[:-1] == HALLO


@pytest.mark.parametrize(
    ("writes", "expected"),
    [
        pytest.param(
            [said("Hal", item_id="a"), said("lo", item_id="b"), done(message("Hallo", item_id="c")),
             completed(output=[message("Hallo", item_id="d")])],
            "Hallo",
            id="an id with each event",
        ),
        pytest.param(
            [event("response.output_text.delta", delta="Hallo"), event("response.output_text.done", text="Hallo"),
             event("response.output_item.done", item=message("Hallo", item_id=None)),
             completed(output=[message("Hallo", item_id=None)])],
            "Hallo",
            id="no id and no index",
        ),
        pytest.param(
            [event("response.output_item.done", item=message(text, item_id=None)) for text in ("a", "b")]
            + [completed(output=[message("a", item_id=None), message("b", item_id=None)])],
            "ab",
            id="two items without ids",
        ),
        pytest.param(
            [event("response.output_text.delta", delta="a"), event("response.output_text.delta", delta="b"),
             completed(output=[message("a"), message("b", item_id="msg_2")])],
            "ab",
            id="two items, heard as one",
        ),
        pytest.param(
            [done(message("Hal")), done(message("lo"), 1), completed(output=[message("Hal"), message("lo")])],
            "Hallo",
            id="two items of one id",
        ),
        pytest.param(
            [said("Hal"), text_done("Hal"), said("lo"), text_done("lo"), text_done("lo"), completed(output=[])],
            "Hallo",
            id="two items of one id, in deltas and whole",
        ),
        pytest.param([done(message("Hal", item_id=None)), done(message("lo", item_id=None)), completed()], "Hallo",
                     id="two items at one place"),
        pytest.param([done(message("Hallo")), done(message("Hallo")), completed()], "Hallo", id="an end twice"),
        pytest.param([completed(output=[{"role": "assistant", "content": [{"text": "Hi"}]}])], "Hi", id="no types"),
        pytest.param([part_done("Hi").replace(b'"type":"output_text",', b""), completed()], "Hi", id="an untyped part"),
        pytest.param([completed(output=[{"type": "message", "content": [{"type": "text", "text": {"value": "Hi"}}]}])],
                     "Hi", id="a wrapped text"),
        pytest.param([done(message("ok", "ok")), completed(output=[message("ok", "ok")])], "okok", id="equal texts"),
        pytest.param([completed(output=[message("a", "b"), message("c", item_id="x")])], "abc", id="only in the final"),
        pytest.param([said("a"), completed(output=[message("a", "b")])], "ab", id="one part of two"),
        pytest.param([said("Hi"), text_done("Hallo"), completed()], "Hi", id="another text in the end"),
        pytest.param([said("Hi"), completed(output=[message("Hi", kind="text")])], "Hi", id="another type of part"),
        pytest.param([completed(output=[{"type": "message", "content": "Hi"}])], "Hi", id="a text for parts"),
        pytest.param([orjson.dumps({"object": "response", "status": "completed", "output": [message("Hi")]})],
                     "Hi", id="a body without a stream"),
        pytest.param([orjson.dumps({"status": "completed", "output": [message("Hi")]})], "Hi", id="no object"),
        pytest.param([orjson.dumps({"object": "response", "output_text": "Hi", "output": []})], "Hi", id="a text only"),
        pytest.param([said("Hi"), event("response.done", response={"status": "completed"})], "Hi", id="done"),
        pytest.param(
            [event("response.output_text.delta", output_index=index, delta=text) for index, text in enumerate("ab")]
            + [event("response.output_text.done", output_index=index, text=text) for index, text in enumerate("ab")]
            + [completed(output=[message("a", item_id=None), message("b", item_id=None)])],
            "ab",
            id="two items by their places",
        ),
        pytest.param(
            [raw_said("\\ud83d", "a"), raw_said("\\ude00", "b"), text_done("😀", item_id="c"),
             completed(output=[message("😀", item_id="d")])],
            "😀",
            id="halves with an id each",
        ),
        pytest.param([incomplete("max_output_tokens", message("Hi"))], "Hi", id="cut off"),
        pytest.param([said("a"), completed(output=[7, {}, {"type": "message", "content": [7, {"type": ["x"]}]}])],
                     "a", id="odd items"),
        pytest.param([said("a"), completed(output={"type": "message"})], "a", id="odd output"),
    ],
)  # fmt: skip
def test_what_is_told(writes: list[bytes], expected: str) -> None:
    told = read(*writes)

    assert "".join(one.text for one in told if isinstance(one, TextDelta)) == expected
    assert read(b"".join(writes)) == told


@pytest.mark.parametrize(
    "begun", [said("<thi") + said("nk>hm</think>Hal"), said("<think>hm</think>Hal"), b""]
)
def test_thoughts_in_the_text_are_told_apart_and_once(begun: bytes) -> None:
    whole = "<think>hm</think>Hallo"

    told = read(begun, text_done(whole), done(message(whole)), completed(output=[message(whole)]))

    assert told[:-1] == [ReasoningDelta(0, "hm"), TextDelta(0, "Hallo")]


SUMMARY = {"item_id": "rs_1", "output_index": 0, "summary_index": 0}


@pytest.mark.parametrize(
    "writes",
    [
        [event("response.reasoning_summary_text.delta", **SUMMARY, delta="hm"), done(thoughts("hm"))],
        [event("response.reasoning_summary_text.done", **SUMMARY, text="hm")],
        [
            event(
                "response.reasoning_summary_part.done", **SUMMARY, part={"type": "summary_text", "text": "hm"}
            )
        ],
        [done(thoughts("hm"))],
        [],
    ],
)
def test_reasoning_is_told_once(writes: list[bytes]) -> None:
    output = [thoughts("hm"), message("a")]

    assert read(*writes, completed(output=output))[:-1] == [ReasoningDelta(0, "hm"), TextDelta(1, "a")]


@pytest.mark.parametrize(
    "writes",
    [
        [event("response.refusal.delta", **WHERE, delta="No.")],
        [event("response.refusal.done", **WHERE, refusal="No.")],
        [done(message("No.", kind="refusal"))],
        [],
    ],
)
def test_a_refusal_is_told_once(writes: list[bytes]) -> None:
    text, end = read(*writes, completed(output=[message("No.", kind="refusal")]))

    assert text == TextDelta(0, "No.")
    assert isinstance(end, Completed)
    assert end.finish_reason == "content-filter"


@pytest.mark.parametrize(
    "writes",
    [
        [
            begun(call(arguments="")),
            arguments('{"q":'),
            arguments("1}"),
            arguments_done('{"q":1}'),
            done(call()),
        ],
        [begun(call(arguments="")), arguments_done('{"q":1}')],
        [begun(call(arguments="")), arguments_done('{"q":1}'), done(call(arguments=""))],
        [begun(call(arguments="")), arguments('{"q":1}'), done(call(arguments=None))],
        [
            begun(call("a", arguments="")),
            arguments('{"q":1}', "b"),
            arguments_done('{"q":1}', "c"),
            done(call("d")),
        ],
        [arguments_done('{"q":1}'), done(call(arguments=""))],
        [done(call())],
        [done(call(None), None)],
        [done(call(arguments={"q": 1}))],
        [begun(call(arguments={})), arguments('{"q":1}')],
        [begun(call(arguments="{}")), arguments('{"q"'), arguments(":1}")],
        [begun(call(arguments="")), arguments("{}"), arguments('{"q":1}')],
        [begun(call(arguments="")), arguments('{"q":1}'), arguments('{"q":1}')],
        [begun(call(arguments="")), arguments('{"q"'), arguments('{"q":1'), arguments('{"q":1}')],
        [begun(call(arguments="")), arguments('{"q":1}'), arguments_done("{}"), done(call(arguments={}))],
        [begun(call(arguments="")), arguments({"q": 1})],  # type: ignore[arg-type]
        [done(call()), done(call())],
        [done({**call(), "type": None})],
        [],
    ],
)
@pytest.mark.parametrize("final", [[call()], [call("other")], [call(None)]])
def test_a_call_is_told_once_and_whole(writes: list[bytes], final: list[dict[str, Any]]) -> None:
    told = read(*writes, completed(output=final))

    assert told[:-1] == [CALL]
    assert isinstance(told[-1], Completed)
    assert told[-1].finish_reason == "tool-calls"


def two(first: str | None, second: str | None, **fields: Any) -> list[dict[str, Any]]:
    other = {"call_id": "call_2", "arguments": '{"q":2}'}
    return [call(first, **fields), call(second, **{**other, **fields})]


TWO = [CALL, ToolCall("call_2", "look_up", '{"q":2}')]


@pytest.mark.parametrize("place", [0, None, 1])
@pytest.mark.parametrize("item_id", ["fc_1", None, ""])
def test_two_calls_that_share_an_item_id_are_two(place: int | None, item_id: str | None) -> None:
    first, second = two(item_id, item_id)
    places = (0, 1) if place else (place, place)
    deltas = [begun({**first, "arguments": ""}), arguments('{"q":1}'), done(first)]
    deltas += [begun({**second, "arguments": ""}, 1), arguments('{"q":2}'), done(second, 1)]

    for writes in ([done(first, places[0]), done(second, places[1])], deltas, []):
        for output in ([first, second], two("fc_8", "fc_9"), [] if writes else [first, second]):
            assert read(*writes, completed(output=output))[:-1] == TWO


def test_two_calls_in_turns_are_told_apart_by_their_places() -> None:
    def piece(text: str, place: Any) -> bytes:
        return event("response.function_call_arguments.delta", output_index=place, delta=text)

    first, second = two("a", "b", arguments="")
    pieces = [piece('{"q"', 0), piece('{"q":2', "1"), piece(":1}", 0.0), piece("}", 1)]

    assert read(begun(first), begun(second, 1), *pieces, completed(output=[]))[:-1] == TWO


def test_a_call_that_comes_again_written_otherwise_is_the_same() -> None:
    again = call(None, call_id=None, arguments='{ "q": 1 }')

    told = read(done(call(None, call_id=None), None), completed(output=[again]))

    assert [one.arguments_json for one in told if isinstance(one, ToolCall)] == ['{"q":1}']


def test_a_model_whose_template_begins_the_thoughts_leaves_only_their_end() -> None:
    expected = [ReasoningDelta(0, "hm"), TextDelta(0, "Hallo")]
    whole = "hm</think>\n\nHallo"
    hidden = {"type": "reasoning", "id": "rs_1", "summary": []}

    for end in (completed(output=[message(whole)]), completed(output=[])):
        assert read(said("hm"), said("</think>\n\nHallo"), end, model="deepseek-r1:8b")[:-1] == expected
    for first in (begun(hidden), done(hidden)):
        assert read(first, said(whole), completed(), model="deepseek-r1:8b")[:-1] == [TextDelta(0, whole)]


def test_two_calls_of_one_id_are_given_their_own() -> None:
    items = [call("a"), call("b", arguments='{"q":2}')]

    [first, second] = read(*map(done, items, range(2)), completed(output=items))[:-1]

    assert isinstance(first, ToolCall)
    assert isinstance(second, ToolCall)
    assert first.call_id == "call_1" != second.call_id


def test_a_text_in_an_unknown_form_is_no_empty_one() -> None:
    with pytest.raises(UnreadableError):
        read(event("response.output_text.delta", **WHERE, delta={"body": "Hi"}), completed())


def test_calls_without_ids_are_given_some() -> None:
    items = [call("fc_1", call_id=None), call("fc_2", call_id=None)]

    [first, second] = read(*map(done, items, range(2)), completed(output=items))[:-1]

    assert isinstance(first, ToolCall)
    assert isinstance(second, ToolCall)
    assert first.call_id
    assert first.call_id != second.call_id


def test_the_id_of_a_call_may_be_a_number() -> None:
    items = [call(None, call_id=7, arguments={"q": 1})]

    assert read(*map(done, items), completed(output=items))[:-1] == [ToolCall("7", "look_up", '{"q":1}')]


def test_a_call_that_came_whole_is_told_of_a_cut_answer_although_an_emoji_in_it_was_cut() -> None:
    halves = [arguments("?").replace(b"?", half) for half in (rb"{\"q\":\"\ud83d", rb"\ude00\"}")]

    told = read(begun(call(arguments="")), *halves, incomplete("max_output_tokens"))

    assert told[:-1] == [ToolCall("call_1", "look_up", '{"q":"😀"}')]


def test_a_call_without_a_name_is_none() -> None:
    with pytest.raises(UnreadableError):
        read(done(call(name=None)), completed())


@pytest.mark.parametrize("reason", ["max_output_tokens", "max_tokens", "unheard_of"])
@pytest.mark.parametrize("cut", ['{"q', ""])
def test_half_a_call_is_none(reason: str, cut: str) -> None:
    half = call("fc_2", call_id="call_2", arguments=cut, status="incomplete")

    assert read(done(call()), done(half, 1), incomplete(reason, call(), half))[:-1] == [CALL]
    assert read(begun(call(arguments="")), arguments(cut or "{"), incomplete(reason))[:-1] == []


@pytest.mark.parametrize("text", ['{"d":"a\\u0000b"}', "not JSON", '{"d":' + "[" * 900 + "]" * 900 + "}"])
def test_arguments_of_any_kind_are_passed_on(text: str) -> None:
    assert read(done(call(arguments=text)), completed())[0] == ToolCall("call_1", "look_up", text)


@pytest.mark.parametrize("pause", [b"", b": ping\n\n"])
def test_the_halves_of_an_emoji_are_joined_whenever_they_come(pause: bytes) -> None:
    first, second = (
        b'data: {"type":"response.output_text.delta","item_id":"msg_1","delta":"%b"}\n\n' % half
        for half in (b"a\\ud83d", b"\\ude00b")
    )

    assert read(first, pause, second, completed())[0] == TextDelta(0, "a😀b")
    assert read(first, text_done("a😀b"), completed())[0] == TextDelta(0, "a😀b")


def test_invalid_utf_8_is_replaced() -> None:
    assert read(said("a?b").replace(b"?", b"\xf0\x9f"), completed())[0] == TextDelta(0, "a\ufffdb")


def test_a_filter_that_cut_off_what_was_said_is_no_refusal_of_the_prompt() -> None:
    assert read(incomplete("content_filter", message("Hi")))[0] == TextDelta(0, "Hi")
    with pytest.raises(ContentFiltered):
        read(incomplete("content_filter"))


STREAM = b"".join(
    [
        event("response.created", response={"id": "resp_1"}),
        event("response.reasoning_summary_text.delta", **{**SUMMARY, "item_id": "rs_1"}, delta="grübel"),
        done(thoughts("grübel", "noch mehr")),
        said("Grü"),
        said("ße 🌍\u2028"),
        text_done("Grüße 🌍\u2028!"),
        done(message("Grüße 🌍\u2028!")),
        done(call(), 2),
        completed(output=[thoughts("grübel", "noch mehr"), message("Grüße 🌍\u2028!", "Ende"), call()]),
    ]
)


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_an_answer_is_the_same_however_it_is_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    told = read(*(STREAM[start:stop] for start, stop in pairwise(edges)))

    assert told == read(STREAM)
    assert "".join(one.text for one in told if isinstance(one, TextDelta)) == "Grüße 🌍\u2028!Ende"
