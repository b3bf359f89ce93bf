"""Server-sent events are the same however their bytes arrive."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

import neo.llm.transport.body
from neo.llm.transport.body import EventDecoder, EventTooLongError

LINE_ENDS = [b"\n", b"\r", b"\r\n"]

# Without the characters that end a line; whatever else UTF-8 writes may be in a line, and is cut anywhere.
words = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1, max_size=8).map(
    str.encode
)
noise = st.sampled_from(
    [b": ping", b":", b"event: response.output_text.delta", b"id: 7", b"retry: 10", b"other"]
)
events = st.lists(words, min_size=1, max_size=3)


def fed(chunks: list[bytes]) -> list[bytes]:
    decoder = EventDecoder()
    return [data for chunk in chunks for data in decoder.feed(chunk)]


@given(
    told=st.lists(st.tuples(st.lists(noise, max_size=2), events, st.sampled_from(LINE_ENDS)), max_size=6),
    space=st.sampled_from([b"", b" "]),
    cuts=st.lists(st.integers(0, 400), max_size=12),
)
def test_any_chunking_gives_the_same_events(
    told: list[tuple[list[bytes], list[bytes], bytes]], space: bytes, cuts: list[int]
) -> None:
    body = b"".join(
        b"".join(line + end for line in [*noises, *(b"data:" + space + word for word in lines), b""])
        for noises, lines, end in told
    )
    # A word's own leading space is taken for the one after the colon, when there is no other.
    expected = [
        b"\n".join(word if space else word.removeprefix(b" ") for word in lines) for _, lines, _ in told
    ]
    places = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})

    assert fed([body[start:end] for start, end in pairwise(places)]) == [
        data for data in expected if data.strip()
    ]
    assert fed([body[place : place + 1] for place in range(len(body))]) == [
        data for data in expected if data.strip()
    ]


def test_a_line_end_cut_in_two_is_one() -> None:
    assert fed([b"data: a\r", b"\ndata: b\r", b"", b"\n\r", b"\n"]) == [b"a\nb"]
    assert fed([b"data: a\r", b"\r", b"data: b\n\n"]) == [b"a", b"b"]


def test_what_is_no_data_is_no_event() -> None:
    assert (
        fed(
            [
                b": ping\n\n",
                b"event: ping\n\n",
                b"data:\n\n",
                b"data\n\n",
                b"data:  \t\ndata: \n\n",
                b"database: 1\n\n",
                b"\n\n",
            ]
        )
        == []
    )


def test_an_event_that_has_not_ended_is_none() -> None:
    assert fed([b"data: a\n", b"data: b"]) == []


@pytest.mark.parametrize("write", [b"data: x\n", b"data:\n", b"x"])
def test_an_event_without_end_is_stopped(monkeypatch: pytest.MonkeyPatch, write: bytes) -> None:
    monkeypatch.setattr(neo.llm.transport.body, "EVENT_BYTES_MAX", 1_000)

    with pytest.raises(EventTooLongError):
        fed([write] * 2_000)


def test_many_short_events_are_never_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neo.llm.transport.body, "EVENT_BYTES_MAX", 100)

    assert len(fed([b": a comment is not kept\ndata: x\n\n" * 10] * 100)) == 1_000
