"""Deltas that are read together are told as one, and nothing else changes."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo.llm.joined import joined
from neo.llm.pieces import Piece, ReasoningDelta, TextDelta, ToolCall

CALL = ToolCall("call", "look_up", "{}")

pieces = st.one_of(
    st.builds(TextDelta, st.integers(0, 1), st.text(min_size=1, max_size=3)),
    st.builds(ReasoningDelta, st.integers(0, 1), st.text(min_size=1, max_size=3)),
    st.just(CALL),
)


@given(st.lists(pieces))
def test_every_character_is_told_in_its_place(heard: list[Piece]) -> None:
    told = list(joined(heard))

    assert list(letters(told)) == list(letters(heard))
    assert all(before is CALL or part_of(before) != part_of(after) for before, after in pairwise(told))


def test_what_came_before_an_error_is_told_before_it() -> None:
    def heard() -> Iterator[Piece]:
        yield TextDelta(0, "w1 ")
        yield TextDelta(0, "w2 ")
        raise LookupError

    told: list[Piece] = []
    with pytest.raises(LookupError):
        told.extend(joined(heard()))

    assert told == [TextDelta(0, "w1 w2 ")]


def part_of(piece: Piece) -> object:
    return type(piece), getattr(piece, "part", None)


def letters(told: list[Piece]) -> Iterator[object]:
    for piece in told:
        if isinstance(piece, TextDelta | ReasoningDelta):
            yield from ((type(piece), piece.part, letter) for letter in piece.text)
        else:
            yield piece
