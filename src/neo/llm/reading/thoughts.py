"""Tells thoughts in the text from the answer, where a server leaves that to whoever reads it.

Thoughts stand before the answer, between two tags. A tag anywhere else is text like any other: an answer may be about
tags.
"""

from collections.abc import Iterator
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["text", "reasoning"]

_ENDS = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<seed:think>": "</seed:think>",
    "◁think▷": "◁/think▷",
    "[THINK]": "[/THINK]",
}


class Thoughts:
    """Splits a text, cut anywhere, into thoughts and the answer.

    Held back is only what may be the beginning of a tag. Thoughts without an end are told as such while they come, and
    once more as the text if nothing else is said: then they were the answer.
    """

    def __init__(self, *, begun_until: str | None) -> None:
        """`begun_until`: the tag that ends thoughts with which the text begins without a first tag."""
        self._begun_until = begun_until
        self._place: Literal["start", "thoughts", "gap", "answer"] = "start"
        self._end = ""
        self._held = ""
        self._unclosed: list[str] = []
        self._has_thought = False

    def told_apart(self) -> None:
        """The server tells thoughts from the answer itself, so that a text has a first tag or no thoughts."""
        self._begun_until = None

    @property
    def are_over(self) -> bool:
        """Whether the answer has begun."""
        return self._place == "answer"

    def add(self, text: str) -> Iterator[tuple[Kind, str]]:
        if self._place == "answer":
            yield "text", text
            return
        text, self._held = self._held + text, ""
        if self._place == "start":
            yield from self._start(text)
        elif self._place == "thoughts":
            yield from self._think(text)
        else:
            yield from self._begin_answer(text)

    def rest(self, *, is_answer: bool) -> Iterator[tuple[Kind, str]]:
        """What was held back, at the end. `is_answer`: thoughts without an end are the answer."""
        held, self._held = self._held, ""
        if self._place == "start" and held:
            yield "text", held
        elif self._place == "thoughts" and is_answer:
            yield "text", "".join([*self._unclosed, held])
        elif self._place == "thoughts" and held:
            yield "reasoning", held

    def _start(self, text: str) -> Iterator[tuple[Kind, str]]:
        bare = text.lstrip()
        begin = next((tag for tag in _ENDS if bare.startswith(tag)), None)
        if begin is not None:
            self._end = _ENDS[begin]
            self._unclosed.append(text[: len(text) - len(bare) + len(begin)])
            yield from self._begin_thoughts(bare[len(begin) :])
        elif any(tag.startswith(bare) for tag in _ENDS):
            self._held = text
        elif self._begun_until is not None:
            self._end = self._begun_until
            yield from self._begin_thoughts(text)
        else:
            self._place = "answer"
            yield "text", text

    def _begin_thoughts(self, text: str) -> Iterator[tuple[Kind, str]]:
        self._place = "thoughts"
        yield from self._think(text)

    def _think(self, text: str) -> Iterator[tuple[Kind, str]]:
        thought, end, after = text.partition(self._end)
        if not end:
            thought, self._held = _without_half_tag(text, self._end)
        self._unclosed.append(thought)
        if not self._has_thought:
            thought = thought.lstrip()
        if thought:
            self._has_thought = True
            yield "reasoning", thought
        if end:
            self._place = "gap"
            self._unclosed.clear()
            yield from self._begin_answer(after)

    def _begin_answer(self, text: str) -> Iterator[tuple[Kind, str]]:
        """The answer begins behind the blank lines that follow the thoughts. Its own first line may be indented."""
        bare = text.lstrip()
        if not bare:
            self._held = text
            return
        self._place = "answer"
        _, line_end, indent = text[: len(text) - len(bare)].rpartition("\n")
        yield "text", (indent if line_end else "") + bare


def _without_half_tag(text: str, tag: str) -> tuple[str, str]:
    """The text up to where it may end in the beginning of the tag, and the rest."""
    for length in range(min(len(tag) - 1, len(text)), 0, -1):
        if text.endswith(tag[:length]):
            return text[:-length], text[-length:]
    return text, ""
