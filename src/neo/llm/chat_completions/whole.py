"""What a server says that does not stream: it sends a whole message where others send deltas."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from neo.llm.chat_completions.chunk import Kind, Piece


class WholeMessages:
    """A message may come again, with more than before or the same."""

    def __init__(self) -> None:
        self._heard: dict[Kind, str] = {}

    def unheard(self, pieces: Sequence[Piece]) -> Iterator[Piece]:
        """What was not said before."""
        for kind, same in groupby(pieces, lambda piece: piece[0]):
            text, heard = "".join(piece[1] for piece in same), self._heard.get(kind, "")
            self._heard[kind] = text if text.startswith(heard) else heard + text
            if new := text.removeprefix(heard):
                yield kind, new
