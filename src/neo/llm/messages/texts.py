"""The texts of an answer: which part each piece belongs to, and the halves of characters between them."""

from collections.abc import Iterator

from neo.llm.deltas import ReasoningDelta, TextDelta
from neo.llm.sanitize import Joined

Kind = type[TextDelta] | type[ReasoningDelta]


class _Text:
    def __init__(self, kind: Kind, part: int) -> None:
        self._kind = kind
        self._part = part
        self._joined = Joined()

    def add(self, piece: str) -> Iterator[TextDelta | ReasoningDelta]:
        if text := self._joined.add(piece):
            yield self._kind(self._part, text)

    def end(self) -> Iterator[TextDelta | ReasoningDelta]:
        if text := self._joined.rest():
            yield self._kind(self._part, text)


class Texts:
    """Parts are numbered in the order in which they begin."""

    def __init__(self) -> None:
        self._texts: dict[tuple[int, Kind], _Text] = {}
        self._open: _Text | None = None

    def add(self, kind: Kind, block: int, piece: str) -> Iterator[TextDelta | ReasoningDelta]:
        text = self._texts.get((block, kind))
        if text is None:
            text = self._texts[block, kind] = _Text(kind, len(self._texts))
        if text is not self._open:
            yield from self.end()
            self._open = text
        yield from text.add(piece)

    def end(self) -> Iterator[TextDelta | ReasoningDelta]:
        """What is left over of the text that came last."""
        if self._open is not None:
            yield from self._open.end()
