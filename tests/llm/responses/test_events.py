"""Deltas that are read together become one, and nothing else changes."""

from itertools import groupby
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo.llm.reading.event import Event, UnreadableError
from neo.llm.responses.texts import DELTAS, events_in

places = {
    "item_id": st.sampled_from(["msg_1", "msg_2"]),
    "output_index": st.integers(0, 1),
    "content_index": st.integers(0, 1),
    "summary_index": st.integers(0, 1),
}
deltas = st.fixed_dictionaries(
    {"type": st.sampled_from(sorted(DELTAS)), "delta": st.text(max_size=3)}, optional=places
)
others = st.sampled_from(
    [
        {"type": "response.output_item.done", "item": {"type": "function_call"}},
        {"type": "response.output_text.delta", "delta": 7},
        {"type": "response.output_text.delta"},
        {"type": "response.output_text.delta", "delta": "w1 ", "error": {"code": "x"}},
        {"type": ["odd"], "delta": "w1 "},
        {},
    ]
)


@given(st.lists(deltas | others))
def test_neighbours_of_one_text_become_one_and_all_else_stays(events: list[Event]) -> None:
    told = list(events_in(map(orjson.dumps, events)))

    assert told == [one for _, same in groupby(events, text_of) for one in whole(list(same))]


def test_what_came_before_an_event_that_cannot_be_read_is_told_before() -> None:
    told: list[Event] = []

    with pytest.raises(UnreadableError):
        told.extend(events_in([said("w1 "), said("w2 "), b"[DONE]", said("late")]))

    assert [event["delta"] for event in told] == ["w1 w2 "]


def test_an_event_is_not_kept_waiting_for_the_next() -> None:
    reading = events_in(iter([said("w1 "), b'{"type": "response.completed"}', b"[DONE]"]))

    assert [next(reading)["type"], next(reading)["type"]] == [
        "response.output_text.delta",
        "response.completed",
    ]


def text_of(event: Event) -> Any:
    """Which text it goes on with; an object of its own for what is no delta."""
    kind = event.get("type")
    is_delta = isinstance(kind, str) and kind in DELTAS and isinstance(event.get("delta"), str)
    if not is_delta or "error" in event:
        return object()
    return [event.get(key) for key in ("type", *places)]


def whole(same: list[Event]) -> list[Event]:
    if len(same) == 1:
        return same
    return [{**same[0], "delta": "".join(event["delta"] for event in same)}]


def said(text: str) -> bytes:
    return orjson.dumps({"type": "response.output_text.delta", "delta": text})
