"""The texts of an answer: which part each piece belongs to, and the halves of characters between them."""

from collections.abc import Iterator

from neo.llm.deltas import ReasoningDelta, TextDelta
from neo.llm.sanitize import Joined

Kind = type[TextDelta] | type[ReasoningDelta]


class Texts:
    """Parts are numbered in the order in which they begin."""

    def __init__(self) -> None:
        self._parts: dict[tuple[Kind, int], int] = {}
        self._last_blocks: dict[Kind, int] = {}
        # The end of a block, or a thought, may come between the halves of a character.
        self._joined: dict[Kind, Joined] = {TextDelta: Joined(), ReasoningDelta: Joined()}

    def add(self, kind: Kind, block: int, piece: str) -> Iterator[TextDelta | ReasoningDelta]:
        self._last_blocks[kind] = block
        return self._told(kind, block, self._joined[kind].add(piece))

    def end(self) -> Iterator[TextDelta | ReasoningDelta]:
        """What is left over once nothing more comes."""
        for kind, block in self._last_blocks.items():
            yield from self._told(kind, block, self._joined[kind].rest())

    def _told(self, kind: Kind, block: int, text: str) -> Iterator[TextDelta | ReasoningDelta]:
        if text:
            yield kind(self._parts.setdefault((kind, block), len(self._parts)), text)
