"""Thoughts in the text of a dialect that has a place of its own for them. Servers of open-weight models that speak such
a dialect, and gateways before them, may leave them where the model wrote them.
"""

from collections.abc import Iterable, Iterator

from neo.llm.deltas import Delta, ReasoningDelta, TextDelta
from neo.llm.reading.thoughts import Thoughts


class FirstThoughts:
    """Told apart only where the answer begins with their tag. Behind thoughts that came as such, a tag is text."""

    def __init__(self) -> None:
        self._thoughts = Thoughts(are_begun=False)
        self._part = 0
        self._has_begun = False
        self._is_over = False

    def told(self, deltas: Iterator[Delta]) -> Iterator[Delta]:
        return deltas if self._is_over else self._told(deltas)

    def rest(self, *, is_answer: bool) -> Iterator[Delta]:
        """`is_answer`: thoughts without an end are the answer."""
        self._is_over = True
        return self._split(self._thoughts.rest(is_answer=is_answer))

    def _told(self, deltas: Iterator[Delta]) -> Iterator[Delta]:
        for delta in deltas:
            if self._is_over:
                yield delta
            elif isinstance(delta, TextDelta):
                self._has_begun, self._part = True, delta.part
                yield from self._split(self._thoughts.add(delta.text))
                self._is_over = self._thoughts.are_over
            else:
                # What comes before any text, or between its pieces, is told in its place.
                self._is_over = isinstance(delta, ReasoningDelta) or not self._has_begun
                yield from self._split(self._thoughts.rest(is_answer=False))
                yield delta

    def _split(self, pieces: Iterable[tuple[str, str]]) -> Iterator[Delta]:
        for kind, text in pieces:
            if text:
                yield (TextDelta if kind == "text" else ReasoningDelta)(self._part, text)
