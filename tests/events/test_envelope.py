from collections.abc import Callable

import orjson
import pytest

from neo.events import Chunk, EventKind, envelope, frame


def merged(told: list[Chunk]) -> list[Chunk]:
    kept: list[Chunk] = []
    for chunk in told:
        both = envelope.merge(kept[-1], chunk) if kept else None
        kept = [*kept, chunk] if both is None else [*kept[:-1], both]
    return kept


def wire(chunk: Chunk) -> object:
    return orjson.loads(chunk.encode())


def test_chunks_have_the_sdks_keys_and_no_other() -> None:
    told = [
        envelope.start("m", {"a": 1}),
        envelope.text_delta("t", "x"),
        envelope.tool_input_start("c", "search"),
        envelope.tool_input_available("c", "search", {"q": 1}),
        envelope.tool_output_error("c", "no"),
        envelope.finish("stop"),
        envelope.abort(),
        envelope.error("no"),
        envelope.turn_restarted(3, 2, ["t"]),
        envelope.turn_waiting({"waiting_for": "APPROVAL"}),
        envelope.stream_reset(3, "lost"),
    ]

    assert [wire(chunk) for chunk in told] == [
        {"type": "start", "messageId": "m", "messageMetadata": {"a": 1}},
        {"type": "text-delta", "id": "t", "delta": "x"},
        {"type": "tool-input-start", "toolCallId": "c", "toolName": "search", "dynamic": True},
        {
            "type": "tool-input-available",
            "toolCallId": "c",
            "toolName": "search",
            "input": {"q": 1},
            "dynamic": True,
        },
        {"type": "tool-output-error", "toolCallId": "c", "errorText": "no", "dynamic": True},
        {"type": "finish", "finishReason": "stop"},
        {"type": "abort"},
        {"type": "error", "errorText": "no"},
        {"type": "data-turn-restarted", "data": {"segment": 3, "step": 2, "part_ids": ["t"]}},
        {"type": "data-turn-waiting", "data": {"waiting_for": "APPROVAL"}},
        {"type": "data-stream-reset", "data": {"turn_no": 3, "reason": "lost"}},
    ]


@pytest.mark.parametrize(
    "chunk",
    [envelope.text_delta("t", "x"), envelope.tool_output_available("c", 1), envelope.turn_waiting({"a": 1})],
)
def test_a_chunk_that_was_stored_is_sent_as_it_was(chunk: Chunk) -> None:
    stored = envelope.of_wire(chunk.wire())

    assert (stored.encode(), stored.kind) == (chunk.encode(), chunk.kind)


@pytest.mark.parametrize(
    ("chunk", "kind"),
    [
        (envelope.start("m"), EventKind.CORE),
        (envelope.finish_step(), EventKind.CORE),
        (envelope.text_delta("t", "x"), EventKind.CORE),
        (envelope.reasoning_delta("r", "x"), EventKind.PROGRESS),
        (envelope.tool_output_error("c", "x"), EventKind.PROGRESS),
        (envelope.finish("stop"), EventKind.TERMINAL),
        (envelope.error("x"), EventKind.TERMINAL),
        (envelope.abort(), EventKind.TERMINAL),
        (envelope.tool_approval_request("c"), EventKind.PROGRESS),
        (envelope.turn_waiting({}), EventKind.WAITING),
    ],
)
def test_kinds(chunk: Chunk, kind: EventKind) -> None:
    assert chunk.kind is kind


@pytest.mark.parametrize(
    "text",
    ["\n", "\r", "\r\n", "\n\nevent: x\nid: 9\n\n", "\u2028\u2029\x85", "\x00", "\ufeff", "漢字 🎉", ""],
)
def test_h1_no_text_breaks_out_of_its_event(text: str) -> None:
    framed = frame("1-1", envelope.text_delta("t", text).encode())

    head, data, *rest = framed.split(b"\n")
    assert head == b"id: 1-1"
    assert rest == [b"", b""]
    assert b"\r" not in framed
    assert orjson.loads(data.removeprefix(b"data: "))["delta"] == text


def test_what_json_cannot_carry_does_not_end_a_turn() -> None:
    halves = envelope.text_delta("t", "a\ud83d\ude00b\ud83d")
    odd = envelope.tool_input_available("c", "x", {"n": 2**70, "\udc00": ["\ud800"]})

    assert orjson.loads(halves.encode())["delta"] == "a😀b\ufffd"
    assert orjson.loads(odd.encode())["input"]["n"] == str(2**70)


def test_only_neighbouring_deltas_of_one_part_merge() -> None:
    told = [
        envelope.text_delta("a", "1"),
        envelope.text_delta("a", "2"),
        envelope.text_delta("b", "3"),
        envelope.reasoning_delta("b", "4"),
        envelope.text_end("b"),
        envelope.text_delta("b", "5"),
        envelope.text_delta("b", "6"),
    ]

    deltas = [chunk.body["delta"] for chunk in merged(told) if "delta" in chunk.body]

    assert deltas == ["12", "3", "4", "56"]


def test_a_merged_delta_stays_small() -> None:
    long = "x" * (envelope.DELTA_CHARACTERS_MAX - 1)

    assert len(merged([envelope.text_delta("a", long), envelope.text_delta("a", "yz")])) == 2


MANY = envelope.DELTA_CHARACTERS_MAX
E_ACUTE, FAMILY, LETTER_KA = "e\u0301", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u0915\u093e"


@pytest.mark.parametrize("make", [envelope.text_delta, envelope.reasoning_delta])
@pytest.mark.parametrize(
    ("unit", "times"),
    [
        ("x", 1),
        ("x", MANY),
        ("x", MANY + 1),
        ("x", 900_000),
        (E_ACUTE, MANY),
        (FAMILY, MANY),
        (LETTER_KA, MANY),
        ("\ud83d\ude00", MANY),
        ("\u0301", 3 * MANY),
    ],
)
def test_a_long_delta_is_cut_into_short_ones_between_characters(
    make: Callable[[str, str], Chunk], unit: str, times: int
) -> None:
    text = unit * times

    pieces = list(envelope.split(make("p", text)))

    assert "".join(piece.body["delta"] for piece in pieces) == text
    assert {(piece.type, piece.part) for piece in pieces} == {(make("p", "").type, "p")}
    assert all(0 < len(piece.body["delta"]) <= MANY for piece in pieces)
    if unit != "\u0301":
        assert all(len(piece.body["delta"]) % len(unit) == 0 for piece in pieces)
    assert len(pieces) == 1 or len(pieces) < 1.01 * len(text) / MANY + 1


def test_other_chunks_are_not_cut() -> None:
    long = envelope.tool_output_available("c", "x" * 2 * MANY)

    assert list(envelope.split(long)) == [long]
