"""The forms that the answers of compatible servers have, and what a reader sees of each."""

import time
from typing import Any

import orjson
import pytest

from llm.asking import Received
from llm.chat_completions.talk import (
    DONE,
    STOP,
    Told,
    answered,
    choice,
    chunk,
    data,
    ended,
    said,
    thought,
    told,
    usage,
)
from llm.raw_provider import HEAD, refusal_head
from neo.errors import Failure
from neo.llm import (
    Completed,
    ContentFiltered,
    PromptTooLong,
    ProviderIncomplete,
    ProviderMisconfigured,
    ProviderRateLimited,
    ProviderRejected,
    ProviderTimeout,
    ReasoningDelta,
    TextDelta,
    Traits,
)

HELLO = Told("Hello")


def message(content: Any, finish: Any = "stop", **more: Any) -> dict[str, Any]:
    return {"index": 0, "message": {"role": "assistant", "content": content, **more}, "finish_reason": finish}


@pytest.mark.parametrize(
    ("writes", "expected"),
    [
        pytest.param([said("Hello"), STOP, DONE], HELLO, id="plain"),
        pytest.param([said("Hello"), STOP], HELLO, id="without the last word"),
        pytest.param([chunk(content="Hello", finish="stop")], HELLO, id="finish with text"),
        pytest.param([said("Hello"), STOP, STOP, DONE], HELLO, id="finish twice"),
        pytest.param([said("Hel"), STOP, said("lo"), DONE], HELLO, id="text after the finish"),
        pytest.param(
            [said("Hello"), choice({"index": 0, "delta": None, "finish_reason": "stop"})], HELLO, id="null"
        ),
        pytest.param([said("Hello"), choice({"index": 0, "finish_reason": "stop"})], HELLO, id="no delta"),
        pytest.param([choice({"delta": {"content": "Hello"}}), STOP], HELLO, id="no index"),
        pytest.param([choice({"index": None, "delta": {"content": "Hello"}}), STOP], HELLO, id="index null"),
        pytest.param(
            [data(choices=[]), data(choices=None), data(id="c"), said("Hello"), STOP], HELLO, id="no choices"
        ),
        pytest.param([choice(None), choice("odd"), said("Hello"), STOP], HELLO, id="odd choices"),
        pytest.param(
            [
                choice({"index": 0, "delta": {"content": "Hel"}}, {"index": 1, "delta": {"content": "No"}}),
                choice({"index": 1, "delta": {"content": "No"}, "finish_reason": "length"}),
                choice({"index": 1, "delta": {}}, {"index": 0, "delta": {"content": "lo"}}),
                STOP,
            ],
            HELLO,
            id="a second choice",
        ),
        pytest.param([said(None), said(""), said("Hello"), said(None), STOP], HELLO, id="empty contents"),
        pytest.param([chunk(role="assistant", refusal=None), said("Hello"), STOP], HELLO, id="nulls"),
        pytest.param(
            [said([{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]), STOP], HELLO, id="parts"
        ),
        pytest.param([said(["Hel", "lo"]), STOP], HELLO, id="texts"),
        pytest.param([said({"type": "text", "text": "Hello"}), STOP], HELLO, id="a part"),
        pytest.param(
            [said([{"type": "text", "text": {"value": "Hello", "annotations": []}}]), STOP],
            HELLO,
            id="a part with a wrapped text",
        ),
        pytest.param(
            [
                said([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}], "closed": True}]),
                said([{"type": "reference", "reference_ids": [1]}, {"type": "text", "text": "Hello"}]),
                STOP,
            ],
            Told("Hello", "hm"),
            id="Mistral's thoughts",
        ),
        pytest.param([data(object="chat.completion", choices=[message("Hello")])], HELLO, id="a message"),
        pytest.param([choice(message("Hello"))], HELLO, id="a message as a chunk"),
        pytest.param([choice({**message("Hello"), "delta": {}})], HELLO, id="a message and an empty delta"),
        pytest.param([choice(message("Hel", None)), choice(message("lo"))], HELLO, id="messages in pieces"),
        pytest.param(
            [data(object="chat.completion", choices=[message(text)]) for text in ("Hel", "Hello", "Hello")],
            HELLO,
            id="messages that grow",
        ),
        pytest.param([said("Hello"), choice({**message("Hello"), "delta": {}})], HELLO, id="all of it again"),
        pytest.param(
            [
                choice({**message("Hel", None), "delta": {"content": "Hel"}}),
                choice({**message("Hello"), "delta": {"content": "lo"}}),
            ],
            HELLO,
            id="both",
        ),
        pytest.param(
            [data(object="chat.completion", choices=[message("Hello", reasoning_content="hm")])],
            Told("Hello", "hm"),
            id="a message with thoughts",
        ),
        pytest.param(
            [thought("hm"), choice(message("Hello", reasoning_content="hm"))],
            Told("Hello", "hm"),
            id="thoughts in deltas, text in a message",
        ),
        pytest.param(
            [said("Hello"), data(choices=[message("Hello", reasoning_content="hm")])],
            Told("Hello", "hm"),
            id="text in deltas, thoughts in a message",
        ),
        pytest.param(
            [
                data(object="text_completion", choices=[{"text": text, "finish_reason": finish}])
                for text, finish in (("Hel", None), ("lo", "stop"))
            ],
            HELLO,
            id="the form before there was a chat",
        ),
        pytest.param(
            [choice({"delta": {"content": "Hello"}, "text": "Hello"}), STOP], HELLO, id="both forms"
        ),
        pytest.param(
            [data(type="status", message="loading model"), b"data: null\n\n", said("Hello"), STOP],
            HELLO,
            id="progress",
        ),
        pytest.param([said("Hello"), STOP, b"data: {\n\n", DONE], HELLO, id="garbage after the finish"),
        pytest.param(
            [said("Hello"), STOP, data(error={"code": 500}), DONE], HELLO, id="error after the finish"
        ),
        pytest.param(
            [choice(message("Hello"), base_resp={"status_code": 0, "status_msg": ""}), DONE],
            HELLO,
            id="MiniMax says that all is well",
        ),
        pytest.param([said("Hello"), STOP, DONE, said("late")], HELLO, id="text after the last word"),
        pytest.param(
            [said("Hello"), STOP, b"data:  [DONE] \r\n\r\n"], HELLO, id="blanks around the last word"
        ),
        pytest.param(
            [b"\xef\xbb\xbfretry: 3000\n\nevent: ping\n\n: x\n\ndata:\n\nid: 7\n\n", said("Hello"), STOP],
            HELLO,
            id="events without data",
        ),
        pytest.param(
            [said("Hello").replace(b"\n", b"\r"), STOP.rstrip()], HELLO, id="another line end, and none"
        ),
    ],
)
async def test_an_answer_is_read_in_every_form(writes: list[bytes], expected: Told) -> None:
    assert await told(*writes) == expected
    assert await told(b"".join(writes)) == expected


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
@pytest.mark.parametrize("indent", [0, orjson.OPT_INDENT_2])
async def test_a_server_that_does_not_stream_is_read_too(kind: str, indent: int) -> None:
    whole = {
        "id": "c",
        "object": "chat.completion",
        "choices": [message("Hello")],
        "usage": {"prompt_tokens": 3},
    }
    head = HEAD.replace(b"text/event-stream", kind.encode())

    received = await answered(b"\n" + orjson.dumps(whole, option=indent), head=head)

    assert Told.of(received) == HELLO
    assert received.completed.input_tokens == 3


@pytest.mark.parametrize(
    ("writes", "expected"),
    [
        *(
            pytest.param([thought("hm", name), said("Hello"), STOP], Told("Hello", "hm"), id=name)
            for name in ("reasoning_content", "reasoning", "thinking")
        ),
        pytest.param(
            [chunk(reasoning_details=[{"type": "reasoning.text", "text": "hm"}]), said("Hello"), STOP],
            Told("Hello", "hm"),
            id="details",
        ),
        pytest.param(
            [chunk(reasoning_details=[{"type": "reasoning.encrypted", "data": "x"}]), said("Hello"), STOP],
            HELLO,
            id="encrypted details",
        ),
        pytest.param(
            [
                chunk(reasoning="h", reasoning_content="h", reasoning_details=[{"text": "h"}], content=""),
                chunk(reasoning="m", reasoning_content="m", reasoning_details=[{"text": "m"}], content=None),
                chunk(content="Hello", reasoning=None, finish="stop"),
            ],
            Told("Hello", "hm"),
            id="twice",
        ),
        pytest.param(
            [thought("hm"), thought("hm", "reasoning"), said("Hello"), STOP],
            Told("Hello", "hm"),
            id="in turn",
        ),
        pytest.param([chunk(reasoning="hm", content="Hello"), STOP], Told("Hello", "hm"), id="with text"),
        *(
            pytest.param(
                [
                    *(thought(text, name) for name, text in zip(names, texts, strict=True)),
                    said("Hello"),
                    STOP,
                ],
                Told("Hello", "The user asks."),
                id=f"{names}, {texts}",
            )
            for names, texts in [
                (["thinking", "reasoning"], ["The user", " asks."]),
                (
                    ["thinking", "thinking", "reasoning", "reasoning"],
                    ["The ", "user asks.", "The user", " asks."],
                ),
                (
                    ["thinking", "reasoning", "thinking", "reasoning"],
                    ["The ", "The ", "user asks.", "user asks."],
                ),
                (["thinking", "reasoning", "thinking"], ["The ", "The user asks.", "user asks."]),
                (["thinking", "reasoning", "reasoning_content"], ["The user", " ask", "s."]),
            ]
        ),
        pytest.param(
            [
                thought("The user.", "thinking"),
                thought("The", "reasoning"),
                thought(" end.", "reasoning"),
                STOP,
            ],
            Told("", "The user.The end."),
            id="two that begin alike",
        ),
        pytest.param([chunk(thinking=True, content="Hello"), STOP], HELLO, id="no text"),
        pytest.param(
            [chunk(refusal="I "), chunk(refusal="will not."), STOP],
            Told("I will not.", finish="content-filter"),
            id="refusal",
        ),
        pytest.param(
            [said([{"type": "refusal", "refusal": "No."}]), STOP],
            Told("No.", finish="content-filter"),
            id="refusal as a part",
        ),
    ],
)
async def test_thoughts_and_refusals_have_many_names(writes: list[bytes], expected: Told) -> None:
    assert await told(*writes) == expected


async def test_thoughts_and_text_are_parts_of_their_own_and_neighbours_are_joined() -> None:
    received = await answered(b"".join([thought("h"), thought("m"), said("a"), said("b"), said("c"), STOP]))

    assert received.deltas[:-1] == [ReasoningDelta(0, "hm"), TextDelta(1, "abc")]


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stop", "stop"),
        ("STOP", "stop"),
        ("eos", "stop"),
        ("eos_token", "stop"),
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("length", "length"),
        ("max_tokens", "length"),
        ("MAX_TOKENS", "length"),
        ("model_length", "length"),
        ("content_filter", "content-filter"),
        ("safety", "content-filter"),
        ("sensitive", "content-filter"),
        ("tool_calls", "tool-calls"),
        ("function_call", "tool-calls"),
        ("FINISH_LENGTH", "length"),
        ("IMAGE_SAFETY", "content-filter"),
        ("unheard_of", "other"),
        ({"type": "odd"}, "other"),
        ({"type": "stop", "matched": 2}, "stop"),
        (True, "other"),
    ],
)
async def test_why_it_ended(word: Any, reason: str) -> None:
    assert (await ended(said("a"), chunk(finish=word), DONE)).finish_reason == reason


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["", "stop"], "stop"),
        (["null", "length"], "length"),
        (["None", "stop"], "stop"),
        (["unheard_of", "stop"], "stop"),
        (["unheard_of", "content_filter"], "content-filter"),
        (["length", "unheard_of"], "length"),
        (["stop", "length"], "length"),
        (["length", "stop"], "length"),
        (["stop", "content_filter"], "content-filter"),
        (["tool_calls", "stop"], "tool-calls"),
    ],
)
async def test_of_two_reasons_the_telling_one_counts(words: list[str], reason: str) -> None:
    assert (await ended(said("a"), *(chunk(finish=word) for word in words))).finish_reason == reason


BROKEN: list[Any] = [
    "abort",
    "error",
    "cancelled",
    "insufficient_system_resource",
    "network_error",
    "timeout",
    "ERROR",
    "ERROR_TOXIC",
    "FINISH_ABORT",
    "engine_overloaded",
    "malformed-model-output",
    "malformed_tool_use",
    "server_shutdown",
    "unexpected_tool_call",
    {"type": "abort"},
]
GOING_ON: list[Any] = ["null", "None", "none", "", None, False, 0, {}]


@pytest.mark.parametrize(
    "writes",
    [[chunk(finish=word)] for word in BROKEN + GOING_ON] + [[], [DONE], [STOP, chunk(finish="abort")]],
)
async def test_an_answer_that_broke_off_is_none(writes: list[bytes]) -> None:
    received = Received()

    with pytest.raises(ProviderIncomplete):
        await answered(said("Hel"), *writes, into=received)

    assert received.text == "Hel"


@pytest.mark.parametrize("first", [[], [thought("hm")]])
async def test_a_filter_that_let_nothing_through_refuses_the_prompt(first: list[bytes]) -> None:
    with pytest.raises(ContentFiltered):
        await answered(*first, chunk(finish="content_filter"), DONE)


ERRORS: list[tuple[bytes, type[Failure]]] = [
    (data(error={"message": "No.", "code": 400}), ProviderRejected),
    (data(error={"message": "No.", "code": "429"}), ProviderRateLimited),
    (data(error={"message": "No.", "type": "rate_limit_error"}), ProviderRateLimited),
    (data(error="No."), ProviderIncomplete),
    (data(error="Busy.", code=429), ProviderRateLimited),
    (data(object="error", message="No.", type="BadRequestError", param=None, code=400), ProviderRejected),
    (data(message="No.", code=429), ProviderRateLimited),
    (data(message="No.", type="rate_limit_error"), ProviderRateLimited),
    (data(detail="No."), ProviderIncomplete),
    (data(type="error", error={"type": "rate_limit_error"}), ProviderRateLimited),
    (b"event: error\ndata: " + orjson.dumps({"message": "No.", "code": 400}) + b"\n\n", ProviderRejected),
    (b"error: " + orjson.dumps({"message": "No.", "code": 400}) + b"\n\n", ProviderRejected),
    (b"event: error\ndata: No.\n\n", ProviderIncomplete),
    (
        choice({"index": 0, "delta": {}, "finish_reason": "error", "error": {"code": 429}}),
        ProviderRateLimited,
    ),
    (
        choice(
            {"index": 0, "delta": {"content": ""}, "finish_reason": "error"},
            error={"code": 429, "message": "No."},
        ),
        ProviderRateLimited,
    ),
    (data(error={"message": "No.", "code": "context_length_exceeded"}), Failure),
    (data(error={"message": "No.", "status": 429}), ProviderRateLimited),
    # Gemini's list, MiniMax's own, and a line of older llama.cpp.
    (b'data: [{"error": {"code": 429, "message": "No."}}]\n\n', ProviderRateLimited),
    (data(base_resp={"status_code": 1002, "status_msg": "No."}, choices=None), ProviderRateLimited),
    (data(base_resp={"status_code": 1008, "status_msg": "No."}, choices=None), ProviderMisconfigured),
    (data(base_resp={"status_code": 1026, "status_msg": "input new_sensitive"}), ContentFiltered),
    (data(errors=[{"message": "maximum context length is 8192"}]), PromptTooLong),
    (b'error: {"code": 400, "message": "exceeds the available context size"}\n\n', PromptTooLong),
    (b"data: {\n\n", ProviderIncomplete),
    (b"data: 7\n\n", ProviderIncomplete),
    (b"data: " + b"[" * 100_000 + b"\n\n", ProviderIncomplete),
    (data(choices="odd"), ProviderIncomplete),
    (choice({"delta": "odd"}), ProviderIncomplete),
    (said(7), ProviderIncomplete),
    (said([[[[[[["deep"]]]]]]]), ProviderIncomplete),
]


@pytest.mark.parametrize(("event", "expected"), ERRORS)
async def test_an_error_in_the_stream_is_one(event: bytes, expected: type[Failure]) -> None:
    received = Received()

    with pytest.raises(expected) as raised:
        await answered(said("Hel") + event, STOP, DONE, into=received)

    assert received.text == "Hel"
    assert expected is Failure or type(raised.value) is expected


async def test_an_error_in_place_of_a_stream_is_one() -> None:
    error = {"error": {"message": "Busy.", "code": 429}}

    for body in map(orjson.dumps, (error, [error])):
        with pytest.raises(ProviderRateLimited):
            await answered(body)
        with pytest.raises(ProviderRateLimited):
            await answered(head=refusal_head(429, body), ends=False)


@pytest.mark.parametrize(
    ("writes", "expected"),
    [
        ([usage(1_000, number) for number in range(1, 101)], (1_000, 100, 0)),
        ([usage(7, 3), usage(7, 3)], (7, 3, 0)),
        ([usage(7, 3), usage(5, 2)], (7, 3, 0)),
        ([usage(7, 3), usage(0, 0), choice(usage=None)], (7, 3, 0)),
        ([usage(7.5, 3.9)], (7, 3, 0)),
        ([usage(2**40, 1e300)], (2**31 - 1, 2**31 - 1, 0)),
        *(
            ([usage(7, "X").replace(b'"X"', digits)], (7, 2**31 - 1, 0))
            for digits in (b"1" + b"0" * 308, b"9" * 400, b"9" * 5_000, b"1e999", b'"%b"' % (b"9" * 400))
        ),
        ([usage("7", "3.9")], (7, 3, 0)),
        ([usage("-7", "odd"), usage("", "1e9"), usage("NaN", [3])], (0, 0, 0)),
        ([usage(7, "X").replace(b'"X"', b"NaN")], (7, 0, 0)),
        ([usage(-7, "."), choice(usage="odd"), choice(usage=[])], (0, 0, 0)),
        ([usage(7, 3, prompt_tokens_details={"cached_tokens": 5})], (7, 3, 5)),
        ([usage(7, 3, prompt_tokens_details=None, prompt_cache_hit_tokens=5)], (7, 3, 5)),
        ([usage(7, 3, cached_tokens=5)], (7, 3, 5)),
        ([choice(x_groq={"usage": {"prompt_tokens": 7, "completion_tokens": 3}})], (7, 3, 0)),
        (
            [choice({"index": 0, "delta": {}, "usage": {"prompt_tokens": 7, "completion_tokens": 3}})],
            (7, 3, 0),
        ),
        ([choice(usage={"input_tokens": 7, "output_tokens": 3})], (7, 3, 0)),
    ],
)
async def test_tokens_are_counted_once(writes: list[bytes], expected: tuple[int, ...]) -> None:
    for parts in ([said("a"), STOP, *writes], [said("a"), *writes, STOP]):
        completed = await ended(*parts, DONE)

        assert (completed.input_tokens, completed.output_tokens, completed.cached_tokens) == expected


async def test_the_end_says_who_answered() -> None:
    assert await ended(said("a"), STOP, DONE) == Completed("stop", "c1", 0, 0, 0, "m")
    anonymous = data(id="", model="", choices=[{"delta": {"content": "a"}, "finish_reason": "stop"}])
    assert await ended(anonymous, DONE) == Completed("stop", None, 0, 0, 0, "some-model")


@pytest.mark.parametrize("last", [STOP, STOP + DONE])
async def test_a_body_left_open_after_the_end_is_not_waited_for(last: bytes) -> None:
    began = time.monotonic()

    received = await answered(said("Hello"), last, usage(7, 3), ends=False)

    assert time.monotonic() - began < 3
    assert received.completed.output_tokens == (0 if DONE in last else 3)


async def test_usage_may_come_late_where_it_was_asked_for() -> None:
    late = await answered(said("Hello") + STOP, usage(7, 3), pause_seconds=1.3, ends=False)
    unasked = await answered(
        said("Hello") + STOP,
        usage(7, 3),
        pause_seconds=1.3,
        ends=False,
        traits=Traits(stream_options=False),
    )

    assert (late.completed.output_tokens, unasked.completed.output_tokens) == (3, 0)


async def test_only_what_is_said_is_a_sign_of_life() -> None:
    silence = [data(choices=[]), said(""), chunk(role="assistant"), usage(1, 1), b": ping\n\n"] * 40
    with pytest.raises(ProviderTimeout):
        await answered(*silence, ends=False, idle_seconds=0.3, pause_seconds=0.02)


@pytest.mark.parametrize(
    ("writes", "text"),
    [
        (
            [
                b'data: {"choices":[{"delta":{"content":"a\\ud83d"}}]}\n\n',
                b'data: {"choices":[{"delta":{"content":"\\ude00b"}}]}\n\n',
            ],
            "a\U0001f600b",
        ),
        ([b'data: {"choices":[{"delta":{"content":"a\\ud83d"}}]}\n\n', said("b")], "a\ufffdb"),
        ([b'data: {"choices":[{"delta":{"content":"a\\ud83d"}}]}\n\n'], "a\ufffd"),
        ([b'data: {"choices":[{"delta":{"content":"a\xffb"}}]}\n\n'], "a\ufffdb"),
        ([said("a\x00b")], "a\ufffdb"),
        ([said("x" * 900_000)], "x" * 900_000),
    ],
)
async def test_any_characters_survive(writes: list[bytes], text: str) -> None:
    assert (await answered(*writes, STOP, DONE)).text == text
