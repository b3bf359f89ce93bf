"""The texts of an answer, as they come in pieces: bounded in length, storable, their parts numbered, the halves of a
character joined, and thoughts in them told apart.
"""

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from neo.llm.chosen import ChosenModel
from neo.llm.deltas import Delta, ReasoningDelta, TextDelta
from neo.llm.errors import AnswerTooLong
from neo.llm.model_families import end_of_first_thoughts
from neo.llm.reading.thoughts import Thoughts

# Several times the longest answer of any model: beyond it the provider is broken, and memory is at stake.
ANSWER_CHARACTERS_MAX = 1_000_000

Told: TypeAlias = TextDelta | ReasoningDelta
Kind: TypeAlias = type[Told]


class AnswerLength:
    """Adds up the length of an answer; raises `AnswerTooLong` beyond the limit."""

    def __init__(self) -> None:
        self._characters = 0

    def add(self, *texts: str) -> None:
        self._characters += sum(map(len, texts))
        if self._characters > ANSWER_CHARACTERS_MAX:
            raise AnswerTooLong


def storable(text: str) -> str:
    """The text as every store and protocol accepts it: without NUL and without half of a surrogate pair."""
    text = text.replace("\x00", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


class Joined:
    """Text in deltas. A delta that ends with the first half of a surrogate pair gives it to the next, which has the
    other half: some servers cut an emoji in two.
    """

    def __init__(self) -> None:
        self._half = ""

    def add(self, text: str) -> str:
        if self._half:
            text, self._half = self._half + text, ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return storable(text)

    def taken_half(self) -> str:
        """The first half that waits for the other one, if there is one, which is from now on another text's."""
        half, self._half = self._half, ""
        return half

    def rest(self) -> str:
        """What is left over when the text ends."""
        return storable(self.taken_half())


class Texts:
    """Parts are numbered in the order in which they begin."""

    def __init__(self) -> None:
        self._parts: dict[tuple[Kind, int], int] = {}
        self._last_blocks: dict[Kind, int] = {}
        # The end of a block, or a thought, may come between the halves of a character.
        self._joined: dict[Kind, Joined] = {TextDelta: Joined(), ReasoningDelta: Joined()}

    def add(self, kind: Kind, block: int, piece: str) -> Iterator[Told]:
        self._last_blocks[kind] = block
        return self._told(kind, block, self._joined[kind].add(piece))

    def end(self) -> Iterator[Told]:
        """What is left over once nothing more comes."""
        for kind, block in self._last_blocks.items():
            yield from self._told(kind, block, self._joined[kind].rest())

    def drop_half(self, kind: Kind) -> None:
        """Forget the first half of a character that waits for the other one."""
        self._joined[kind].taken_half()

    def _told(self, kind: Kind, block: int, text: str) -> Iterator[Told]:
        if text:
            yield kind(self._parts.setdefault((kind, block), len(self._parts)), text)


class FirstThoughts:
    """Thoughts in the text of a dialect that has a place of its own for them: servers of open-weight models that speak
    it, and gateways before them, may leave them where the model wrote them.

    Told apart only where the answer begins with them. Behind thoughts that came as such, a tag is text.
    """

    def __init__(self, chosen: ChosenModel) -> None:
        self._thoughts = Thoughts(begun_until=end_of_first_thoughts(chosen))
        self._part = 0
        self._has_begun = False
        self._is_over = False

    def told_apart(self) -> None:
        """The server has a place for thoughts, even if it keeps to itself what they are."""
        self._thoughts.told_apart()

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
