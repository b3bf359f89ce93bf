"""What has been heard of a response's texts, so that a text that comes again, and whole, is not told twice.

Servers that stream send each text in deltas, and then whole up to four times: with its own end, with its part's, with
its item's and with the response's. Servers that do not stream, and gateways before them, send some of these only.
"""

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from neo.llm.deltas import ReasoningDelta, TextDelta
from neo.llm.responses.events import Kind
from neo.llm.sanitize import Joined, storable

# Whose text it is: an item's id, or where it is in the output, and the text's index in the item. Some gateways leave
# out one or all of them, or make up an id with each event.
Where: TypeAlias = tuple[str | int | None, int]
Told: TypeAlias = TextDelta | ReasoningDelta


class Text:
    def __init__(self, kind: Kind, part: int) -> None:
        self.kind = kind
        self.sources: set[str] = set()
        self._part = part
        self._delta = TextDelta if kind in ("text", "refusal") else ReasoningDelta
        self._pieces: list[str] = []
        self._joined = Joined()

    @property
    def heard(self) -> str:
        return "".join(self._pieces)

    def add(self, piece: str) -> Told | None:
        return self._told(self._joined.add(piece))

    def end(self) -> Told | None:
        return self._told(self._joined.rest())

    def go_on(self, rest: str) -> Told | None:
        # The second half of a character whose first half was kept back is in the rest.
        self._joined = Joined()
        return self._told(rest)

    def taken_half(self) -> str:
        return self._joined.taken_half()

    def _told(self, text: str) -> Told | None:
        if not text:
            return None
        self._pieces.append(text)
        return self._delta(self._part, text)


class Heard:
    """Parts are numbered in the order in which they begin."""

    def __init__(self) -> None:
        self._texts: list[Text] = []
        self._by_place: dict[tuple[Kind, Where], Text] = {}

    def at(self, kind: Kind, where: Where, piece: str) -> Text:
        """The text that a delta is a piece of."""
        text = self._by_place.get((kind, where)) or self._begin(kind, where)
        if "\udc00" <= piece[0] <= "\udfff":
            # Where each event has an id of its own, the first half of this character seems to be another text's.
            others = (one for one in self._texts if one.kind == kind and one is not text)
            text.add(next((half for other in others if (half := other.taken_half())), ""))
        return text

    def complete(self, kind: Kind, where: Where, whole: str, source: str) -> Told | None:
        """What of a whole text is not heard yet. One that differs from what was heard does not take that back.

        `source` is the end that it comes with: its own, its item's and so on. None has the same text twice.
        """
        whole = storable(whole)
        texts = self._at(kind, where, source) or self._same(kind, whole, source) or [self._begin(kind, where)]
        for text in texts:
            text.sources.add(source)
        heard = "".join(text.heard for text in texts)
        return texts[-1].go_on(whole[len(heard) :]) if whole.startswith(heard) else None

    def has_all(self, kind: Kind, wholes: Iterable[str]) -> bool:
        """Whether these are what was heard, however it was divided into texts."""
        return "".join(text.heard for text in self._texts if text.kind == kind) == storable("".join(wholes))

    def end(self) -> Iterator[Told]:
        for text in self._texts:
            if told := text.end():
                yield told

    def _begin(self, kind: Kind, where: Where) -> Text:
        text = self._by_place[kind, where] = Text(kind, len(self._texts))
        self._texts.append(text)
        return text

    def _at(self, kind: Kind, where: Where, source: str) -> list[Text]:
        text = self._by_place.get((kind, where))
        # Without an id or an index of its item, each text is at the same place.
        is_other = text is None or (where[0] is None and source in text.sources)
        return [] if text is None or is_other else [text]

    def _same(self, kind: Kind, whole: str, source: str) -> list[Text]:
        """The texts that were heard under other ids, and are the beginning of this one together."""
        found: list[Text] = []
        for text in self._texts:
            if text.kind != kind or source in text.sources:
                continue
            if (heard := text.heard) and whole.startswith(heard):
                found.append(text)
                whole = whole[len(heard) :]
            elif found:
                break
        return found
