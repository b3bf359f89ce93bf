"""From the pieces of an answer that a server sends to the deltas that a reader gets."""

from collections.abc import Iterator, Sequence

from neo.llm.chat_completions.chunk import Kind, Piece
from neo.llm.chosen import ChosenModel
from neo.llm.control_tokens import Unmarked
from neo.llm.deltas import Delta, ReasoningDelta, TextDelta
from neo.llm.model_families import end_of_first_thoughts
from neo.llm.reading.texts import AnswerLength, Joined
from neo.llm.reading.thoughts import Thoughts


class Telling:
    """Neighbouring pieces of one kind become one delta: handling one costs several times as much as joining it."""

    def __init__(self, chosen: ChosenModel) -> None:
        self._pieces: list[tuple[Kind, list[str]]] = []
        self._length = AnswerLength()
        self._text, self._reasoning, self._unmarked = Joined(), Joined(), Unmarked()
        self._thoughts = Thoughts(begun_until=end_of_first_thoughts(chosen))
        self._parts: dict[Kind, int] = {}
        self.has_text = False
        self.has_refusal = False

    def add(self, pieces: Sequence[Piece]) -> None:
        for kind, text in pieces:
            if self._pieces and self._pieces[-1][0] == kind:
                self._pieces[-1][1].append(text)
            else:
                self._pieces.append((kind, [text]))

    def add_arguments(self, arguments: str) -> None:
        """Arguments are told with their call, and measured as they come."""
        self._length.add(arguments)

    def deltas(self) -> Iterator[Delta]:
        """What was added since the last time."""
        pieces, self._pieces = self._pieces, []
        for kind, texts in pieces:
            text = "".join(texts)
            self._length.add(text)
            if kind == "reasoning":
                self._thoughts.told_apart()
                yield from self._reasoning_delta(self._reasoning.add(text))
            else:
                self.has_refusal |= kind == "refusal"
                yield from self._split(self._text.add(text))

    def rest(self, *, is_answer: bool) -> Iterator[Delta]:
        """What was held back, at the end. `is_answer`: thoughts without an end are the answer."""
        yield from self._split(self._text.rest())
        yield from self._reasoning_delta(self._reasoning.rest())
        for kind, text in self._thoughts.rest(is_answer=is_answer):
            yield self._delta(kind, text)

    def _split(self, text: str) -> Iterator[Delta]:
        for kind, part in self._thoughts.add(self._unmarked.add(text)):
            if part:
                yield self._delta(kind, part)

    def _reasoning_delta(self, text: str) -> Iterator[Delta]:
        if text:
            yield self._delta("reasoning", text)

    def _delta(self, kind: Kind, text: str) -> Delta:
        part = self._parts.setdefault(kind, len(self._parts))
        if kind == "reasoning":
            return ReasoningDelta(part, text)
        self.has_text = True
        return TextDelta(part, text)
