"""Deltas that are read together, as one: what a piece sets off costs several times what it takes to join it."""

from collections.abc import Iterable, Iterator

from neo.llm.pieces import Piece, ReasoningDelta, TextDelta


def joined(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The same pieces in their order, with deltas that go on with the same part in one.

    What came before an error is told before it is raised.
    """
    held: list[TextDelta | ReasoningDelta] = []
    try:
        for piece in pieces:
            if held and not _goes_on(held[0], piece):
                yield _whole(held)
                held = []
            if isinstance(piece, TextDelta | ReasoningDelta):
                held.append(piece)
            else:
                yield piece
    except Exception:
        if held:
            yield _whole(held)
        raise
    if held:
        yield _whole(held)


def _goes_on(first: TextDelta | ReasoningDelta, piece: Piece) -> bool:
    return isinstance(piece, type(first)) and piece.part == first.part


def _whole(held: list[TextDelta | ReasoningDelta]) -> Piece:
    first = held[0]
    return first if len(held) == 1 else type(first)(first.part, "".join(delta.text for delta in held))
