"""What the model answers becomes chunks for readers and parts to store, and a replay of the parts says the same."""

from typing import Any
from uuid import UUID, uuid4

import hypothesis.strategies as st
import orjson
import pytest
from hypothesis import given, settings

from neo.events import Chunk, SegmentWriter, envelope
from neo.llm import Delta, ReasoningDelta, TextDelta, ToolCall
from neo.streams import Valkey
from neo.turns.models import ChatTurn, TurnSegment, TurnStatus
from neo.turns.render import Renderer, start_chunk, terminal_chunk
from neo.turns.segments.replay import segment_chunks
from turns.conftest import Engines
from turns.stage import Stage

FLUSH_SECONDS = 5.0
EXAMPLES = 30
DELTAS = ("text-delta", "reasoning-delta")

texts = st.text(max_size=12)
part_numbers = st.integers(0, 2)
deltas = st.one_of(
    st.builds(TextDelta, part_numbers, texts),
    st.builds(ReasoningDelta, part_numbers, texts),
    st.builds(ToolCall, st.sampled_from(["call_1", "call_2"]), st.sampled_from(["look", "do"]), texts),
)


def turn_of(status: TurnStatus = TurnStatus.COMPLETED, **columns: Any) -> ChatTurn:
    ids = {"id": UUID(int=1), "reply_message_id": UUID(int=2)}
    return ChatTurn(**ids, turn_no=1, model_tier="FAST", status=status, claim=1, **columns)


def row_of(
    parts: list[dict[str, Any]], segment: int = 1, finish_reason: str = "stop", **columns: Any
) -> TurnSegment:
    """The segment as it is settled."""
    return TurnSegment(
        **{"kind": "MODEL", "segment": segment, "parts": parts, "finish_reason": finish_reason, **columns}
    )


def stage_of(valkey: Valkey, engines: Engines) -> Stage:
    """A stream of its own; nothing of it is in PostgreSQL."""
    return Stage(engines.database, engines.owner, valkey, uuid4(), uuid4())


def say(writer: SegmentWriter, *said: Delta) -> Renderer:
    renderer = Renderer(writer)
    for delta in said:
        renderer.add(delta)
    renderer.end_part()
    return renderer


async def rendered(engines: Engines, *said: Delta) -> tuple[list[dict[str, Any]], Renderer]:
    """The chunks of one answer as readers get them, and what rendered them."""
    stage = stage_of(engines.valkey, engines)
    writer = await stage.writer()
    try:
        renderer = say(writer, *said)
        assert await writer.flush(FLUSH_SECONDS)
    finally:
        await writer.aclose()
    return [chunk for _, chunk in await stage.streamed()], renderer


def alike_on_the_wire(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The chunks without what may differ: names of parts, and where deltas are cut."""
    names: dict[str, str] = {}
    alike: list[dict[str, Any]] = []
    for chunk in chunks:
        one = dict(chunk)
        if "id" in one:
            one["id"] = names.setdefault(one["id"], f"part-{len(names)}")
        before = alike[-1] if alike else {}
        if one["type"] in DELTAS and (before.get("type"), before.get("id")) == (one["type"], one["id"]):
            before["delta"] += one["delta"]
        else:
            alike.append(one)
    return alike


def on_the_wire(chunks: list[Chunk]) -> list[dict[str, Any]]:
    return [orjson.loads(chunk.encode()) for chunk in chunks]


async def test_text_is_streamed_as_it_comes_and_stored_whole(engines: Engines) -> None:
    chunks, renderer = await rendered(engines, TextDelta(0, "Hel"), TextDelta(0, "lo"))

    assert alike_on_the_wire(chunks) == [
        {"type": "text-start", "id": "part-0"},
        {"type": "text-delta", "id": "part-0", "delta": "Hello"},
        {"type": "text-end", "id": "part-0"},
    ]
    assert renderer.parts == [{"type": "step-start"}, {"type": "text", "text": "Hello", "state": "done"}]
    assert renderer.has_text
    assert renderer.calls == []


async def test_reasoning_is_a_part_of_its_own_and_no_text(engines: Engines) -> None:
    chunks, renderer = await rendered(engines, ReasoningDelta(0, "Hm."))

    assert [chunk["type"] for chunk in chunks] == ["reasoning-start", "reasoning-delta", "reasoning-end"]
    assert renderer.parts[1:] == [{"type": "reasoning", "text": "Hm.", "state": "done"}]
    assert not renderer.has_text


async def test_another_part_ends_the_one_before(engines: Engines) -> None:
    chunks, renderer = await rendered(engines, ReasoningDelta(0, "Hm."), TextDelta(0, "A"), TextDelta(1, "B"))

    ids = [chunk["id"] for chunk in chunks]
    assert ids == [ids[0]] * 3 + [ids[3]] * 3 + [ids[6]] * 3
    assert len({ids[0], ids[3], ids[6]}) == 3
    assert [(part["type"], part["text"]) for part in renderer.parts[1:]] == [
        ("reasoning", "Hm."),
        ("text", "A"),
        ("text", "B"),
    ]


async def test_a_call_ends_the_part_before_it_and_is_not_told_yet(engines: Engines) -> None:
    """It is planned first; the segment that answers it tells it, from its row."""
    call = ToolCall("call_1", "look", "{}")

    chunks, renderer = await rendered(engines, TextDelta(0, "A"), call, TextDelta(0, "B"))

    assert [chunk["type"] for chunk in chunks] == ["text-start", "text-delta", "text-end"] * 2
    assert renderer.calls == [call]
    assert [part["type"] for part in renderer.parts] == ["step-start", "text", "text"]


@settings(max_examples=EXAMPLES)
@given(said=st.lists(deltas, max_size=8), segment=st.integers(1, 3))
async def test_a_replay_says_what_was_streamed(engines: Engines, said: list[Delta], segment: int) -> None:
    """The step of a segment that asked for calls is ended by the segment that answers them."""
    stage, turn = stage_of(engines.valkey, engines), turn_of(finish_reason="stop")
    writer = await stage.writer(segment=segment)
    try:
        if segment == 1:
            writer.write(start_chunk(turn))
        writer.write(envelope.start_step())
        renderer = say(writer, *said)
        if not renderer.calls:
            writer.write(envelope.finish_step())
        assert await writer.flush(FLUSH_SECONDS)
    finally:
        await writer.aclose()
    streamed = [chunk for _, chunk in await stage.streamed()]

    row = row_of(renderer.parts, segment, "tool-calls" if renderer.calls else "stop")
    replayed = on_the_wire(segment_chunks(turn, row))

    assert alike_on_the_wire(replayed) == alike_on_the_wire(streamed)


@pytest.mark.parametrize("kind", [TextDelta, ReasoningDelta])
async def test_a_long_delta_is_many_short_frames_streamed_and_replayed(
    engines: Engines, kind: type[TextDelta | ReasoningDelta]
) -> None:
    text = "Zoë 😀 " * 150_000

    chunks, renderer = await rendered(engines, kind(0, text))
    replayed = on_the_wire(segment_chunks(turn_of(), row_of(renderer.parts)))

    for told in (chunks, replayed):
        cut = [chunk["delta"] for chunk in told if chunk["type"] in DELTAS]
        assert "".join(cut) == text
        assert max(map(len, cut)) <= envelope.DELTA_CHARACTERS_MAX


async def test_no_part_of_a_replay_is_named_as_one_that_was_streamed(engines: Engines) -> None:
    said: list[Delta] = [TextDelta(0, "A"), ReasoningDelta(0, "B"), TextDelta(1, "C")]
    chunks, renderer = await rendered(engines, *said)

    rows = [row_of(renderer.parts, segment) for segment in (1, 2)]
    replayed = [
        chunk["id"] for row in rows for chunk in on_the_wire(segment_chunks(turn_of(), row)) if "id" in chunk
    ]

    assert not {chunk["id"] for chunk in chunks} & set(replayed)
    assert len(set(replayed)) == 6


def test_a_segment_of_calls_is_replayed_as_it_was_stored() -> None:
    stored: list[dict[str, Any]] = [
        {"type": "tool-input-available", "toolCallId": "call_1", "toolName": "look", "input": {}},
        {"type": "finish-step"},
    ]

    row = row_of([], 2, kind="CALLS", replay=stored)

    assert on_the_wire(segment_chunks(turn_of(), row)) == stored


def test_a_segment_that_said_nothing_has_one_entry_all_the_same() -> None:
    """A reader may be in it."""
    [chunk] = on_the_wire(segment_chunks(turn_of(), row_of([], 2, kind="CALLS", replay=None)))

    assert chunk["type"] == "message-metadata"


@pytest.mark.parametrize(
    ("turn", "terminal"),
    [
        (
            turn_of(TurnStatus.FAILED, error_code="turn_lost", error_message="Lost."),
            {"type": "error", "errorText": "turn_lost: Lost."},
        ),
        (turn_of(TurnStatus.CANCELLED), {"type": "abort", "reason": "cancelled"}),
    ],
)
def test_a_turns_end_says_how_it_ended(turn: ChatTurn, terminal: dict[str, str]) -> None:
    assert on_the_wire([terminal_chunk(turn)]) == [terminal]


def test_a_completed_turn_ends_with_why_it_finished_and_what_it_used() -> None:
    turn = turn_of(finish_reason="length", provider="openai", region="eu", model="gpt", input_tokens=3)

    [terminal] = on_the_wire([terminal_chunk(turn)])

    assert (terminal["type"], terminal["finishReason"]) == ("finish", "length")
    assert terminal["messageMetadata"]["usage"]["input_tokens"] == 3
