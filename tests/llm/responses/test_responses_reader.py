"""Whatever events OpenAI's Responses API may send, only deltas and known failures come of them."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.asking import a_model
from llm.odd_json import odd_json
from llm.raw_provider import completed, event, said
from neo.errors import Failure
from neo.llm import Completed, ContentFiltered, Delta, ProviderIncomplete, ReasoningDelta, TextDelta, ToolCall
from neo.llm.reading.event import UnreadableError
from neo.llm.responses.reader import ResponseReader
from neo.llm.transport.body import EventDecoder
from neo.llm.transport.provider_error import ProviderError


def read(*writes: bytes) -> list[Delta]:
    reading, events = ResponseReader(a_model("asked-for")), EventDecoder()
    deltas = [delta for write in writes for delta in reading.deltas(events.feed(write))]
    assert reading.is_complete
    return [*deltas, *reading.rest(), reading.completed()]


def ended(*writes: bytes) -> Completed:
    last = read(*writes)[-1]
    assert isinstance(last, Completed)
    return last


def summary(text: str, index: int = 0) -> bytes:
    return event(
        "response.reasoning_summary_text.delta",
        item_id="rs_1",
        output_index=0,
        summary_index=index,
        delta=text,
    )


def call(**item: Any) -> bytes:
    return event("response.output_item.done", item={"type": "function_call", **item})


def test_parts_are_numbered_in_the_order_in_which_they_begin() -> None:
    tool = call(call_id="call_1", name="look_up", arguments='{"q":1}')

    deltas = read(
        summary("a"),
        summary("b", 1),
        summary("c"),
        said("d"),
        tool,
        said("e", content_index=1),
        said("f", item_id="msg_2"),
        completed(),
    )

    assert deltas[:-1] == [
        ReasoningDelta(0, "a"),
        ReasoningDelta(1, "b"),
        ReasoningDelta(0, "c"),
        TextDelta(2, "d"),
        ToolCall("call_1", "look_up", '{"q":1}'),
        TextDelta(3, "e"),
        TextDelta(4, "f"),
    ]


def test_reasoning_that_is_no_summary_is_reasoning_too() -> None:
    raw = event("response.reasoning_text.delta", item_id="rs_1", content_index=0, delta="hm")

    assert read(raw, said("a"), completed())[:-1] == [ReasoningDelta(0, "hm"), TextDelta(1, "a")]


def test_a_refusal_is_what_the_model_says_and_ends_as_filtered() -> None:
    where = {"item_id": "msg_1", "content_index": 0}
    deltas = [event("response.refusal.delta", **where, delta=word) for word in ("I ", "will not.")]
    done = event("response.refusal.done", **where, refusal="I will not.")

    assert read(*deltas, done, completed())[:-1] == [TextDelta(0, "I "), TextDelta(0, "will not.")]
    assert read(done, completed())[:-1] == [TextDelta(0, "I will not.")]
    assert ended(*deltas, completed()).finish_reason == "content-filter"


def test_half_a_surrogate_pair_does_not_end_an_answer() -> None:
    half = b'data: {"type": "response.output_text.delta", "delta": "a\\ud83d"}\n\n'

    assert read(half, completed())[:-1] == [TextDelta(0, "a"), TextDelta(0, "\ufffd")]


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ({}, "stop"),
        ({"status": None}, "stop"),
        ({"status": "stop"}, "stop"),
        ({"status": "in_progress"}, "stop"),
        ({"status": "queued"}, "stop"),
        ({"status": "incomplete"}, "other"),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length"),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, "content-filter"),
        ({"status": "incomplete", "incomplete_details": {"reason": ["odd"]}}, "other"),
        ({"incomplete_details": {"reason": "model_context_window_exceeded"}}, "length"),
        ({"incomplete_details": {"reason": "MAX_TOKENS"}}, "length"),
        ({"incomplete_details": "odd"}, "stop"),
    ],
)
def test_why_it_ended(response: dict[str, Any], reason: str) -> None:
    assert ended(said("a"), completed(**response)).finish_reason == reason


@pytest.mark.parametrize("status", ["failed", "cancelled", "canceled"])
def test_a_final_event_that_says_there_is_no_answer_is_believed(status: str) -> None:
    with pytest.raises(ProviderIncomplete):
        read(said("a"), completed(status=status))


BROKEN_OFF = ["timeout", "server_error", "network_error", "interrupted", "insufficient_system_resource"]


@pytest.mark.parametrize("reason", BROKEN_OFF)
def test_what_broke_off_is_no_answer(reason: str) -> None:
    with pytest.raises(ProviderIncomplete):
        read(said("a"), completed(status="incomplete", incomplete_details={"reason": reason}))


@pytest.mark.parametrize("status", ["in_progress", "queued"])
def test_a_whole_response_that_somebody_is_to_wait_for_is_no_answer(status: str) -> None:
    reading = ResponseReader(a_model())

    assert list(reading.deltas([orjson.dumps({"object": "response", "status": status, "output": []})])) == []
    assert not reading.is_complete


def test_a_filter_that_let_nothing_through_refuses_the_prompt() -> None:
    with pytest.raises(ContentFiltered):
        read(summary("a"), completed(incomplete_details={"reason": "content_filter"}))


def test_the_end_says_what_it_cost() -> None:
    usage = {"input_tokens": 7, "output_tokens": 3, "input_tokens_details": {"cached_tokens": 5}}
    begun = event("response.created", response={"id": "resp_0", "model": "m"})

    assert ended(completed(usage=usage)) == Completed("stop", "resp_1", 7, 3, 5, "m")
    chat = {"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 5}}
    assert ended(completed(usage=chat)) == Completed("stop", "resp_1", 7, 3, 5, "m")
    assert ended(begun, completed(id=None, model=""), completed()) == Completed(
        "stop", "resp_0", 0, 0, 0, "asked-for"
    )


@pytest.mark.parametrize(
    ("told", "counted"), [(7.5, 7), ("7", 7), (10**18, 2**31 - 1), (2**40, 2**31 - 1), (1e300, 2**31 - 1)]
)
def test_tokens_of_any_size_are_counted(told: Any, counted: int) -> None:
    assert ended(completed(usage={"input_tokens": told})).input_tokens == counted


@pytest.mark.parametrize("odd", [None, "seven", -1, [], {"a": 1}])
def test_odd_usage_counts_as_none(odd: Any) -> None:
    usage = {"input_tokens": odd, "output_tokens": odd, "input_tokens_details": odd}

    assert ended(completed(usage=usage)).input_tokens == 0
    assert ended(completed(usage=odd)).output_tokens == 0


def test_after_the_final_event_nothing_counts() -> None:
    assert len(read(completed(), said("late"), b"data: [DONE]\n\n", event("error", code="x"))) == 1


def test_only_what_is_said_is_a_sign_of_life() -> None:
    reading = ResponseReader(a_model())
    silence = [{"type": "response.in_progress"}, {"type": "keepalive"}, {"type": ["odd"]}, {}]

    assert list(reading.deltas(map(orjson.dumps, silence))) == []
    assert reading.events_with_content == 0
    assert list(reading.deltas([b'{"type": "response.function_call_arguments.delta", "delta": "{"}'])) == []
    assert reading.events_with_content == 1


@pytest.mark.parametrize(
    "data",
    [
        b"[DONE]",
        b"7",
        b'{"type": "response.output_text.delta", "delta": 7}',
        b'{"type": "response.completed"}',
        b'{"type": "response.completed", "response": []}',
        b"[" * 100_000,
        b"\xff",
    ],
)
def test_what_cannot_be_read_is_not_read(data: bytes) -> None:
    with pytest.raises(UnreadableError):
        list(ResponseReader(a_model()).deltas([data]))


json = odd_json(8)
fields = [
    "delta",
    "item_id",
    "content_index",
    "summary_index",
    "item",
    "response",
    "error",
    "refusal",
    "code",
]
nested = [
    "type",
    "call_id",
    "name",
    "arguments",
    "id",
    "model",
    "status",
    "usage",
    "incomplete_details",
    "error",
]
objects = st.dictionaries(st.sampled_from(nested), json | st.just("function_call"), max_size=6)
kinds = st.sampled_from([*ResponseReader._HANDLERS, "error", "unheard.of"])


@given(
    st.lists(
        st.tuples(kinds, st.dictionaries(st.sampled_from(fields), json | objects, max_size=6)), max_size=5
    )
)
def test_no_json_breaks_the_reading(told: list[tuple[str, dict[str, Any]]]) -> None:
    reading = ResponseReader(a_model())

    try:
        for delta in reading.deltas(orjson.dumps({"type": kind, **data}) for kind, data in told):
            assert isinstance(delta, TextDelta | ReasoningDelta | ToolCall)
        reading.completed()
    except (Failure, ProviderError, UnreadableError):
        pass
