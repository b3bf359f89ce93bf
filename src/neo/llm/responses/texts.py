"""The texts of a response, which come in deltas and again whole, and are told once.

Servers that stream send each text in deltas, and then whole up to four times: with its own end, with its part's, with
its item's and with the response's. Servers that do not stream, and gateways before them, send some of these only.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from neo.llm.deltas import ReasoningDelta, TextDelta
from neo.llm.reading.event import Event, Place, coalesced, unwrapped
from neo.llm.reading.texts import Texts, Told, storable

Kind: TypeAlias = Literal["text", "refusal", "summary", "reasoning"]
# Whose text it is: an item's id, or where it is in the output, and the text's index in the item. Some gateways leave
# out one or all of them, or make up an id with each event.
Where: TypeAlias = tuple[str | int | None, int]

# The events of each kind of text, by what their names begin with: where they have the whole text, and its index.
EVENTS: dict[str, tuple[Kind, str, str]] = {
    "response.output_text": ("text", "text", "content_index"),
    "response.refusal": ("refusal", "refusal", "content_index"),
    "response.reasoning_summary_text": ("summary", "text", "summary_index"),
    "response.reasoning_text": ("reasoning", "text", "content_index"),
}
DELTAS = {f"{name}.delta": (kind, index) for name, (kind, _, index) in EVENTS.items()}
_PARTS: dict[str, tuple[Kind, str]] = {
    "output_text": ("text", "text"),
    "text": ("text", "text"),
    "refusal": ("refusal", "refusal"),
    "summary_text": ("summary", "text"),
    "reasoning_text": ("reasoning", "text"),
}
# Which text a delta is a piece of.
_PLACE = ("item_id", "output_index", "content_index", "summary_index")


def events_in(received: Iterable[bytes]) -> Iterator[Event]:
    """The events, with neighbouring deltas of one text as one."""
    return coalesced(received, _place)


def kind_of_item(item: Event) -> str | None:
    """The type of an item. Where it is left out, what the item has says it."""
    kind = item.get("type")
    if kind is None:
        return "message" if "content" in item else "function_call" if "arguments" in item else None
    return kind if isinstance(kind, str) else None


def texts_of(item: Event) -> Iterator[tuple[Kind, int, str]]:
    """Each text of a whole item, with its kind and its index in the item."""
    kind: Kind
    match kind_of_item(item):
        case "message":
            kind = "text"
        case "reasoning":
            kind = "reasoning"
        case _:
            return
    for parts in (item.get("summary"), item.get("content")):
        for index, part in enumerate(parts if isinstance(parts, list) else (parts,)):
            # Some gateways write a text in place of its parts.
            found = (kind, part) if isinstance(part, str) else text_of(part, kind)
            if found is not None:
                yield found[0], index, found[1]


def text_of(part: Any, kind: Kind = "text") -> tuple[Kind, str] | None:
    """`kind`: that of a part that does not say its own."""
    if not isinstance(part, dict):
        return None
    name = part.get("type")
    found = (kind, "text") if name is None else _PARTS.get(name) if isinstance(name, str) else None
    text = unwrapped(part.get(found[1])) if found is not None else None
    return (found[0], text) if found is not None and isinstance(text, str) else None


@dataclass(eq=False, slots=True)
class Text:
    kind: Kind
    number: int
    ends: dict[str, tuple[int, int]] = field(default_factory=dict)
    """From where to where it was heard when it ended last, by the source of the end."""
    pieces: list[str] = field(default_factory=list)

    @property
    def heard(self) -> str:
        return "".join(self.pieces)

    def begin_of(self, source: str) -> int:
        """Where in it begins what an end is the end of. Some gateways have one id for all texts, so that this is what
        came since the end before, or the same again where nothing came.
        """
        begin, end = self.ends.get(source, (0, 0))
        return end if len(self.heard) > end else begin

    @property
    def delta(self) -> type[Told]:
        return TextDelta if self.kind in ("text", "refusal") else ReasoningDelta


class ResponseTexts:
    def __init__(self) -> None:
        self._texts: list[Text] = []
        self._by_place: dict[tuple[Kind, Where], Text] = {}
        self._telling = Texts()

    def at(self, kind: Kind, where: Where) -> Text:
        """The text that a delta is a piece of."""
        return self._by_place.get((kind, where)) or self._begin(kind, where)

    def add(self, text: Text, piece: str) -> Iterator[Told]:
        for told in self._telling.add(text.delta, text.number, piece):
            text.pieces.append(told.text)
            yield told

    def complete(self, kind: Kind, where: Where, whole: str, source: str) -> Iterator[Told]:
        """What of a whole text is not heard yet. One that differs from what was heard does not take that back.

        `source` is the end that it comes with: its own, its item's and so on. None has the same text twice.
        """
        whole = storable(whole)
        texts = self._at(kind, where, whole, source) or self._same(kind, whole, source)
        texts = texts or [self._begin(kind, where)]
        begins = [text.begin_of(source) for text in texts]
        heard = "".join(text.heard[begin:] for text, begin in zip(texts, begins, strict=True))
        if whole.startswith(heard):
            # A character whose first half was kept back is in the rest.
            self._telling.drop_half(texts[-1].delta)
            yield from self.add(texts[-1], whole[len(heard) :])
        for text, begin in zip(texts, begins, strict=True):
            text.ends[source] = (begin, len(text.heard))

    def has_all(self, kind: Kind, wholes: Iterable[str]) -> bool:
        """Whether these are what was heard, however it was divided into texts."""
        return "".join(text.heard for text in self._texts if text.kind == kind) == storable("".join(wholes))

    def end(self) -> Iterator[Told]:
        return self._telling.end()

    def _begin(self, kind: Kind, where: Where) -> Text:
        text = self._by_place[kind, where] = Text(kind, len(self._texts))
        self._texts.append(text)
        return text

    def _at(self, kind: Kind, where: Where, whole: str, source: str) -> list[Text]:
        text = self._by_place.get((kind, where))
        if text is None or (source in text.ends and self._is_other(text, where, whole, source)):
            return []
        return [text]

    @staticmethod
    def _is_other(text: Text, where: Where, whole: str, source: str) -> bool:
        """Whether a second text with the same end is not the first one again: without an id or an index of its item,
        each is at the same place, and some gateways have one id for all.
        """
        return where[0] is None or not whole.startswith(text.heard[text.begin_of(source) :])

    def _same(self, kind: Kind, whole: str, source: str) -> list[Text]:
        """The texts that were heard under other ids, and are the beginning of this one together."""
        found: list[Text] = []
        for text in self._texts:
            if text.kind != kind or source in text.ends:
                continue
            if (heard := text.heard) and whole.startswith(heard):
                found.append(text)
                whole = whole[len(heard) :]
            elif found:
                break
        return found


def _place(event: Event) -> Place | None:
    kind = event.get("type")
    if not isinstance(kind, str) or kind not in DELTAS:
        return None
    if not isinstance(event.get("delta"), str) or event.get("error"):
        return None
    return (kind, *(event.get(key) for key in _PLACE)), event, "delta"
