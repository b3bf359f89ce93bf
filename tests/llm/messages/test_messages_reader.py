"""What is heard in a stream of the Messages API: one row for each way in which servers and gateways write it."""

import json
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.asking import a_model, joined
from llm.odd_json import odd_json
from llm.raw_provider import event
from neo.errors import Failure
from neo.llm import Completed, ContentFiltered, Delta, ProviderIncomplete, ReasoningDelta, TextDelta, ToolCall
from neo.llm.messages.reader import MessageReader
from neo.llm.reading.event import UnreadableError
from neo.llm.transport.body import EventDecoder
from neo.llm.transport.provider_error import ProviderError

START = event(
    "message_start", message={"id": "msg_1", "model": "m", "content": [], "usage": {"input_tokens": 9}}
)
STOP = event("message_stop")
PING = event("ping")


def read(*writes: bytes, model: str = "asked-for") -> list[Delta]:
    """What a whole body says, each write of which is a read of its own."""
    reading, events = MessageReader(a_model(model)), EventDecoder()
    deltas: list[Delta] = []
    for received in (*(events.feed(write) for write in writes), events.end()):
        deltas.extend(reading.deltas(received))
    return [*joined([*deltas, *reading.rest()]), reading.completed()]


def ended(*writes: bytes) -> Completed:
    last = read(*writes)[-1]
    assert isinstance(last, Completed)
    return last


def begun(kind: str, index: int | None = 0, **fields: Any) -> bytes:
    where = {} if index is None else {"index": index}
    return event("content_block_start", **where, content_block={"type": kind, **fields})


def delta(kind: str, index: int | None = 0, **fields: Any) -> bytes:
    where = {} if index is None else {"index": index}
    return event("content_block_delta", **where, delta={"type": kind, **fields})


def said(text: str, index: int | None = 0) -> bytes:
    return delta("text_delta", index, text=text)


def thought(text: str, index: int | None = 0) -> bytes:
    return delta("thinking_delta", index, thinking=text)


def tool(index: int = 0, call_id: str | None = "toolu_1", **fields: Any) -> bytes:
    return begun("tool_use", index, id=call_id, **{"name": "look_up", "input": {}, **fields})


def arguments(text: str, index: int | None = 0) -> bytes:
    return delta("input_json_delta", index, partial_json=text)


def stopped(index: int = 0) -> bytes:
    return event("content_block_stop", index=index)


def end(reason: str | None = "end_turn", **usage: Any) -> bytes:
    return event("message_delta", delta={"stop_reason": reason}, usage=usage)


def raw(text: str) -> bytes:
    """A text delta whose text is written as JSON by hand."""
    block = '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%s"}}'
    return b"data: " + (block % text).encode() + b"\n\n"


def unnamed(**fields: Any) -> bytes:
    """An event whose data leave its type to the stream."""
    return b"event: some_event\ndata: " + orjson.dumps(fields) + b"\n\n"


def untyped(**fields: Any) -> bytes:
    return event("content_block_delta", index=0, delta=fields)


TEXT = begun("text", text="")
HALLO = [TextDelta(0, "Hallo")]
DEEP = {"a": orjson.loads("[" * 200 + "]" * 200)}
CALL = ToolCall("toolu_1", "look_up", '{"q":1}')


@pytest.mark.parametrize(
    ("writes", "expected"),
    [
        pytest.param([TEXT, said("Hal"), said("lo"), stopped(), end(), STOP], HALLO, id="as documented"),
        pytest.param([begun("text", text="Hal"), said("lo"), end(), STOP], HALLO, id="text in its beginning"),
        pytest.param([said("Hallo"), end(), STOP], HALLO, id="no beginning"),
        pytest.param([begun("text", None), said("Hallo", None), end(), STOP], HALLO, id="no index"),
        pytest.param([TEXT, said("Hallo"), end()], HALLO, id="no message_stop"),
        pytest.param([TEXT, said("Hallo"), STOP], HALLO, id="no reason"),
        pytest.param([TEXT, said("Hallo"), end(), b"data: [DONE]\n\n"], HALLO, id="[DONE] for message_stop"),
        pytest.param(
            [PING, TEXT, PING, said("Hallo"), end(), STOP, b"data: {\n\n"], HALLO, id="after the end"
        ),
        pytest.param(
            [TEXT, said("Hallo"), end(), b"data: {\n\n", STOP], HALLO, id="garbage after the reason"
        ),
        pytest.param(
            [TEXT, said("Hallo"), end(), event("error", error={"type": "api_error"})],
            HALLO,
            id="an error after the reason",
        ),
        pytest.param(
            [TEXT, said("Hal"), end(""), said("lo"), end(), STOP], HALLO, id="an empty reason first"
        ),
        pytest.param([TEXT, said("Hal"), end("null"), said("lo"), end(), STOP], HALLO, id="null as a word"),
        pytest.param([TEXT, untyped(text="Hallo"), end(), STOP], HALLO, id="a delta without a type"),
        pytest.param([TEXT, untyped(type="text", text="Hallo"), end(), STOP], HALLO, id="a block's type"),
        pytest.param(
            [TEXT, said({"value": "Hal"}), said({"value": "lo"}), end(), STOP],  # type: ignore[arg-type]
            HALLO,
            id="a wrapped text",
        ),
        pytest.param(
            [event("content_block_start", index=0, content_block={"text": "Hallo"}), end(), STOP],
            HALLO,
            id="a block without a type",
        ),
        pytest.param(
            [
                unnamed(message={"id": "msg_1", "content": []}),
                unnamed(index=0, content_block={"type": "text", "text": ""}),
                unnamed(index=0, delta={"type": "text_delta", "text": "Hal"}),
                unnamed(index=0, delta={"type": "text_delta", "text": "lo"}),
                unnamed(index=0),
                unnamed(delta={"stop_reason": "end_turn"}, usage={}),
                unnamed(),
            ],
            HALLO,
            id="events without a type",
        ),
        pytest.param([TEXT, said("Hal"), end(), said("lo"), STOP], HALLO, id="text after the reason"),
        pytest.param(
            [TEXT, said("Hallo"), event("content_block_delta", index=0, delta=None), end(), STOP],
            HALLO,
            id="delta null",
        ),
        pytest.param(
            [TEXT, said("Hallo"), event("message_delta", delta=None), end(), STOP],
            HALLO,
            id="delta null in the end",
        ),
        pytest.param([TEXT, said("Hallo"), arguments(""), end(), STOP], HALLO, id="arguments of no call"),
        pytest.param(
            [
                begun("server_tool_use", id="s", name="web_search", input={}),
                arguments("{}"),
                stopped(),
                TEXT,
                said("Hallo"),
                end(),
                STOP,
            ],
            HALLO,
            id="a tool of the provider's own",
        ),
        pytest.param(
            [
                begun("web_search_tool_result", content=[{"type": "x"}]),
                begun("unheard_of"),
                event("unheard.of"),
                delta("citations_delta", citation={}),
                said("Hallo", 3),
                end(),
                STOP,
            ],
            HALLO,
            id="what is not known",
        ),
        pytest.param(
            [
                begun("thinking", thinking=""),
                thought("hm"),
                delta("signature_delta", signature="x"),
                stopped(),
                begun("redacted_thinking", 1, data="x"),
                stopped(1),
                begun("text", 2),
                said("Hallo", 2),
                end(),
                STOP,
            ],
            [ReasoningDelta(0, "hm"), TextDelta(1, "Hallo")],
            id="thinking",
        ),
        pytest.param(
            [begun("thinking", thinking="h"), thought("m"), TEXT, said("Hallo"), end(), STOP],
            [ReasoningDelta(0, "hm"), TextDelta(1, "Hallo")],
            id="one index for two blocks",
        ),
        pytest.param(
            [TEXT, said("<thi"), said("nk>h"), said("m</think>\n\nHal"), said("lo"), end(), STOP],
            [ReasoningDelta(0, "hm"), TextDelta(0, "Hallo")],
            id="thoughts in the text",
        ),
        pytest.param(
            [TEXT, said("<think>h"), said("m"), end(), STOP],
            [ReasoningDelta(0, "hm"), TextDelta(0, "<think>hm")],
            id="thoughts without an end",
        ),
        pytest.param(
            [begun("thinking", thinking="hm"), begun("text", 1, text="<think>"), end(), STOP],
            [ReasoningDelta(0, "hm"), TextDelta(1, "<think>")],
            id="a tag in the answer",
        ),
        pytest.param(
            [TEXT, thought("hm"), said("Hallo"), end(), STOP],
            [ReasoningDelta(0, "hm"), TextDelta(1, "Hallo")],
            id="thinking in a text block",
        ),
        pytest.param(
            [raw("\\ud83d"), raw("\\ude00"), end(), STOP], [TextDelta(0, "😀")], id="halves in two reads"
        ),
        pytest.param(
            [raw("\\ud83d") + raw("\\ude00"), end(), STOP], [TextDelta(0, "😀")], id="halves in one read"
        ),
        pytest.param(
            [TEXT, raw("\\ud83d"), stopped(), TEXT, raw("\\ude00"), end(), STOP],
            [TextDelta(0, "😀")],
            id="halves in two blocks",
        ),
        pytest.param(
            [TEXT, raw("\\ud83d"), thought("hm", 1), raw("\\ude00"), end(), STOP],
            [ReasoningDelta(0, "hm"), TextDelta(1, "😀")],
            id="a thought between the halves",
        ),
        pytest.param([raw("a\\ud83d"), end(), STOP], [TextDelta(0, "a\ufffd")], id="half an emoji"),
        pytest.param(
            [raw("a").replace(b'"a"', b'"a\xf0\x9f"'), end(), STOP],
            [TextDelta(0, "a\ufffd")],
            id="invalid UTF-8",
        ),
        pytest.param([raw("a\\u0000b"), end(), STOP], [TextDelta(0, "a\ufffdb")], id="NUL"),
        pytest.param([raw(""), raw("Hallo"), end(), STOP], HALLO, id="an empty delta"),
    ],
)
def test_what_is_said(writes: list[bytes], expected: list[Delta]) -> None:
    assert read(START, *writes)[:-1] == expected
    assert read(START + b"".join(writes))[:-1] == expected


@pytest.mark.parametrize(
    ("writes", "expected"),
    [
        pytest.param([tool(), arguments('{"q"'), arguments(":1}"), stopped()], [CALL], id="as documented"),
        pytest.param([tool(input={"q": 1}), stopped()], [CALL], id="whole in its beginning"),
        pytest.param([tool(input='{"q":1}'), stopped()], [CALL], id="as a text in its beginning"),
        pytest.param([tool(input={"x": 2}), arguments('{"q":1}')], [CALL], id="in both, and no end"),
        pytest.param([tool(input=None), arguments('{"q":1}', None), stopped()], [CALL], id="without input"),
        pytest.param([tool(), stopped()], [ToolCall("toolu_1", "look_up", "{}")], id="no arguments"),
        pytest.param([tool(), arguments("{}"), arguments('{"q":1}'), stopped()], [CALL], id="announced"),
        pytest.param([tool(), arguments('{"q":1}'), arguments('{"q":1}')], [CALL], id="twice"),
        pytest.param([tool(), arguments('{"q":1}'), arguments("{}")], [CALL], id="nothing in the end"),
        pytest.param(
            [tool(), arguments('{"q"'), arguments('{"q":1'), arguments('{"q":1}'), stopped()],
            [CALL],
            id="all of them each time",
        ),
        pytest.param([tool(), arguments({"q": 1}), stopped()], [CALL], id="an object for a piece"),  # type: ignore[arg-type]
        pytest.param(
            [tool(), arguments('{"q"', 1), arguments(":1}", 2), stopped(3)], [CALL], id="an index that counts"
        ),
        pytest.param(
            [TEXT, tool(1), arguments('{"q":1}'), stopped(1)], [CALL], id="the index of the text before"
        ),
        pytest.param(
            [
                tool("0", input={}),  # type: ignore[arg-type]
                tool("1", "toolu_2"),  # type: ignore[arg-type]
                arguments('{"q"', "0"),  # type: ignore[arg-type]
                arguments("[]", "1"),  # type: ignore[arg-type]
                arguments(":1}", "0"),  # type: ignore[arg-type]
                stopped("0"),  # type: ignore[arg-type]
            ],
            [CALL, ToolCall("toolu_2", "look_up", "[]")],
            id="two with texts for an index",
        ),
        pytest.param(
            [
                tool(),
                begun("server_tool_use", 1, id="s", name="web"),
                arguments('{"x":2}', 1),
                arguments('{"q":1}'),
            ],
            [CALL],
            id="arguments of the provider's own tool",
        ),
        pytest.param(
            [
                tool(),
                tool(1, "toolu_2"),
                arguments("[", 1),
                arguments('{"q":1}'),
                stopped(),
                arguments("]", 1),
            ],
            [CALL, ToolCall("toolu_2", "look_up", "[]")],
            id="two in turns",
        ),
        pytest.param(
            [tool(), arguments("not JSON"), stopped()], [ToolCall("toolu_1", "look_up", "not JSON")], id="odd"
        ),
        pytest.param(
            [begun("tool_use", id=7, name="look_up", input={"q": 1}), stopped()],
            [ToolCall("7", "look_up", '{"q":1}')],
            id="a number for its id",
        ),
        pytest.param(
            [tool(input=DEEP), stopped()],
            [ToolCall("toolu_1", "look_up", orjson.dumps(DEEP).decode())],
            id="an object nested deep",
        ),
        pytest.param(
            [tool(input={"q": "a?"}).replace(b"?", b"\\ud83d"), stopped()],
            [ToolCall("toolu_1", "look_up", '{"q":"a\ufffd"}')],
            id="half an emoji in an object",
        ),
        pytest.param(
            [tool(), arguments('{"a":' + "[" * 900 + "]" * 900 + "}"), stopped()],
            [ToolCall("toolu_1", "look_up", '{"a":' + "[" * 900 + "]" * 900 + "}")],
            id="nested deep",
        ),
    ],
)
def test_what_is_asked_of_tools(writes: list[bytes], expected: list[Delta]) -> None:
    assert read(START, *writes, end("tool_use"), STOP)[:-1] == expected
    assert ended(START, *writes, end("end_turn"), STOP).finish_reason == "tool-calls"


R1 = "deepseek-r1:8b"


@pytest.mark.parametrize(
    ("writes", "expected"),
    [
        ([said("hm"), said("</think>\n\nHallo"), end()], [ReasoningDelta(0, "hm"), TextDelta(0, "Hallo")]),
        ([begun("thinking", thinking="hm"), said("a </think>", 1), end()],
         [ReasoningDelta(0, "hm"), TextDelta(1, "a </think>")]),
        ([begun("redacted_thinking", data="x"), said("a </think>", 1), end()], [TextDelta(0, "a </think>")]),
        ([said("Hallo"), end()], [ReasoningDelta(0, "Hallo"), TextDelta(0, "Hallo")]),
        ([said("Hallo"), end("unheard_of")], [ReasoningDelta(0, "Hallo"), TextDelta(0, "Hallo")]),
        ([said("Hallo"), STOP], [ReasoningDelta(0, "Hallo"), TextDelta(0, "Hallo")]),
        ([said("hm"), end("max_tokens")], [ReasoningDelta(0, "hm")]),
    ],
)  # fmt: skip
def test_a_model_whose_template_begins_the_thoughts_leaves_only_their_end(
    writes: list[bytes], expected: list[Delta]
) -> None:
    assert read(START, *writes, model=R1)[:-1] == expected


def test_a_call_that_comes_only_in_the_whole_message_is_told() -> None:
    text, call = {"type": "text", "text": "Hallo"}, {"type": "tool_use", "id": "toolu_1", "name": "look_up"}
    whole = event("message", content=[text, {**call, "input": {"q": 1}}], stop_reason="tool_use")

    assert read(START, said("Hallo"), whole)[:-1] == [*HALLO, CALL]
    assert read(START, tool(), arguments('{"q":1}'), stopped(), whole)[:-1] == [CALL]


def test_two_calls_of_one_id_are_given_their_own() -> None:
    [first, second] = read(START, tool(), stopped(), tool(1), end("tool_use"), STOP)[:-1]

    assert isinstance(first, ToolCall)
    assert isinstance(second, ToolCall)
    assert first.call_id == "toolu_1" != second.call_id


def test_a_call_without_an_id_is_given_one_and_one_without_a_name_is_none() -> None:
    [first, second] = read(START, tool(0, None), stopped(), tool(1, None), end("tool_use"))[:2]

    assert isinstance(first, ToolCall)
    assert isinstance(second, ToolCall)
    assert first.call_id
    assert first.call_id != second.call_id
    with pytest.raises(UnreadableError):
        read(START, tool(name=None), end("tool_use"))


@pytest.mark.parametrize("reason", ["max_tokens", "model_context_window_exceeded", "unheard_of"])
@pytest.mark.parametrize("cut", ['{"q', ""])
def test_half_a_call_is_none(reason: str, cut: str) -> None:
    whole = [tool(), arguments('{"q":1}'), stopped()]
    half = [tool(1, "toolu_2"), arguments(cut, 1), stopped(1)]

    assert read(START, *whole, *half, end(reason), STOP)[:-1] == [CALL]


def test_half_a_call_with_text_behind_it_is_none() -> None:
    half = [tool(), arguments('{"q'), stopped()]

    assert read(START, *half, begun("text", 1, text="Hallo"), end("max_tokens"), STOP)[:-1] == HALLO


def test_a_call_that_came_whole_is_told_of_a_cut_answer_although_an_emoji_in_it_was_cut() -> None:
    halves = [arguments("?").replace(b"?", half) for half in (rb"{\"q\":\"\ud83d", rb"\ude00\"}")]

    [told, _] = read(START, tool(), *halves, stopped(), end("max_tokens"), STOP)

    assert told == ToolCall("toolu_1", "look_up", '{"q":"😀"}')


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("tool_use", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content-filter"),
        ("pause_turn", "other"),
        ("unheard_of", "other"),
        (["odd"], "other"),
        (None, "other"),
        ("length", "length"),
        ("stop", "stop"),
        ("END_TURN", "stop"),
        ("MAX_TOKENS", "length"),
        ("max_output_tokens", "length"),
        ("content_filtered", "content-filter"),
        ("guardrail_intervened", "content-filter"),
        ("safety", "content-filter"),
    ],
)
def test_why_it_ended(reason: Any, finish: str) -> None:
    assert ended(START, said("a"), end(reason), STOP).finish_reason == finish


BROKEN_OFF = [
    "abort",
    "error",
    "ERROR",
    "canceled",
    "timeout",
    "network_error",
    "internal_error",
    "server_error",
    "interrupted",
    "malformed_model_output",
    "malformed_function_call",
]


@pytest.mark.parametrize(
    "writes",
    [
        [said("a")],
        [said("a"), stopped()],
        [said("a"), end(None)],
        [said("a"), b"data: [DONE]\n\n"],
        [end(None), STOP],
        [said("a"), end("")],
        [said("a"), end("null")],
        *([said("a"), end(word), STOP] for word in BROKEN_OFF),
    ],
)
def test_without_the_providers_word_that_it_is_over_there_is_no_answer(writes: list[bytes]) -> None:
    with pytest.raises(ProviderIncomplete):
        read(START, *writes)


def test_a_refusal_is_said_with_its_explanation_and_without_any_text_it_refuses_the_prompt() -> None:
    why = event("message_delta", delta={"stop_reason": "refusal", "stop_details": {"explanation": "No."}})

    assert read(START, said("I "), why, STOP)[:-1] == [TextDelta(0, "I "), TextDelta(1, "No.")]
    with pytest.raises(ContentFiltered):
        read(START, thought("a"), end("refusal"), STOP)


@pytest.mark.parametrize(
    ("first", "later", "expected"),
    [
        ({"input_tokens": 7, "output_tokens": 1}, [{"output_tokens": 3}], (7, 3, 0)),
        ({"input_tokens": 7}, [{"output_tokens": n} for n in range(100)], (7, 99, 0)),
        ({"input_tokens": 0}, [{"input_tokens": 7, "output_tokens": 3}], (7, 3, 0)),
        ({"input_tokens": 7}, [{"input_tokens": 0, "output_tokens": 3}], (7, 3, 0)),
        ({"input_tokens": 5}, [{"input_tokens": 7, "output_tokens": 3}], (7, 3, 0)),
        (
            {"input_tokens": 7, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 2},
            [{"output_tokens": 3}],
            (14, 3, 5),
        ),
        ({"input_tokens": 7.5}, [{"output_tokens": 3.5}], (7, 3, 0)),
        ({"input_tokens": 2**40}, [{"output_tokens": 1e300}], (2**31 - 1, 2**31 - 1, 0)),
        (
            {"input_tokens": "seven"},
            [{"output_tokens": None}, {"output_tokens": -1}, {"output_tokens": [1]}],
            (0, 0, 0),
        ),
        (None, [None], (0, 0, 0)),
    ],
)
def test_tokens_are_counted_once(first: Any, later: list[Any], expected: tuple[int, int, int]) -> None:
    begin = event("message_start", message={"id": "msg_1", "usage": first})
    reports = [event("message_delta", delta={}, usage=usage) for usage in later]

    completed = ended(begin, said("a"), *reports, end(), STOP)

    assert (completed.input_tokens, completed.output_tokens, completed.cached_tokens) == expected


def test_the_end_names_message_and_model() -> None:
    assert ended(START, said("a"), end(), STOP) == Completed("stop", "msg_1", 9, 0, 0, "m")
    assert ended(said("a"), end(), STOP) == Completed("stop", None, 0, 0, 0, "asked-for")


@pytest.mark.parametrize(
    "message",
    [
        {"type": "message", "content": "Hallo", "stop_reason": "end_turn"},
        {"type": "message", "content": ["Hallo"], "stop_reason": "end_turn"},
        {"content": [{"type": "text", "text": "Hallo"}], "stop_reason": "end_turn"},
    ],
)
def test_a_whole_message_may_leave_things_out(message: dict[str, Any]) -> None:
    assert read(orjson.dumps(message)) == [*HALLO, Completed("stop", None, 0, 0, 0, "asked-for")]


WHOLE = {
    "type": "message",
    "id": "msg_1",
    "model": "m",
    "content": [
        {"type": "thinking", "thinking": "hm", "signature": "x"},
        {"type": "text", "text": "Hallo"},
        {"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {"q": 1}},
    ],
    "stop_reason": "tool_use",
    "usage": {"input_tokens": 9, "output_tokens": 3},
}


@pytest.mark.parametrize(
    "writes",
    [
        [orjson.dumps(WHOLE)],
        [b"\xef\xbb\xbf \r\n", json.dumps(WHOLE, indent=2).encode()],
        [b"data: " + orjson.dumps(WHOLE) + b"\n\n"],
        [event("message_start", message=WHOLE), end("tool_use", output_tokens=3), STOP],
    ],
)
def test_a_message_that_comes_whole_is_said(writes: list[bytes]) -> None:
    assert read(*writes) == [
        ReasoningDelta(0, "hm"),
        TextDelta(1, "Hallo"),
        CALL,
        Completed("tool-calls", "msg_1", 9, 3, 0, "m"),
    ]


def test_only_what_is_said_is_a_sign_of_life() -> None:
    reading, events = MessageReader(a_model()), EventDecoder()

    assert list(reading.deltas(events.feed(START + PING + TEXT + arguments("") + said("")))) == []
    assert reading.events_with_content == 0
    list(reading.deltas(events.feed(tool() + arguments("{"))))
    assert reading.events_with_content > 0
    assert not reading.has_text


STREAM = b"".join(
    [
        START,
        b": ping\r\n\r\n",
        begun("thinking", thinking=""),
        thought("grübel"),
        stopped(),
        begun("text", 1, text="Grü"),
        said("ße 🌍\u2028", 1),
        raw("\\ud83d"),
        raw("\\ude00"),
        stopped(1),
        tool(2),
        arguments('{"q":"ä', 2),
        arguments('"}', 2),
        stopped(2),
        end("tool_use", output_tokens=7),
        STOP,
    ]
)


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_an_answer_is_the_same_however_it_is_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    told = read(*(STREAM[start:stop] for start, stop in pairwise(edges)))

    assert told == read(STREAM)
    assert ToolCall("toolu_1", "look_up", '{"q":"ä"}') in told


scraps = odd_json(8)
nested = [
    "type",
    "id",
    "name",
    "input",
    "text",
    "thinking",
    "partial_json",
    "stop_reason",
    "usage",
    "content",
]
kinds = st.sampled_from(
    ["tool_use", "text", "text_delta", "input_json_delta", "thinking_delta", "max_tokens"]
)
objects = st.dictionaries(st.sampled_from(nested), scraps | kinds, max_size=6)
fields = st.sampled_from(
    ["index", "delta", "content_block", "message", "usage", "error", "content", "stop_reason"]
)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*MessageReader._HANDLERS, "error"]),
            st.dictionaries(fields, scraps | objects, max_size=6),
        ),
        max_size=5,
    )
)
def test_no_json_breaks_the_reading(told: list[tuple[str, dict[str, Any]]]) -> None:
    reading = MessageReader(a_model())

    try:
        for one in reading.deltas(orjson.dumps({"type": kind, **data}) for kind, data in told):
            assert isinstance(one, TextDelta | ReasoningDelta | ToolCall)
        list(reading.rest())
        reading.completed()
    except (Failure, ProviderError, UnreadableError):
        pass
