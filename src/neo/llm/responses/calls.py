"""The calls of tools in a response. Their names come with the item's beginning or end, their arguments in pieces or
whole, and some gateways leave out one or the other.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from neo.llm.chosen import ChosenModel
from neo.llm.deltas import ToolCall
from neo.llm.reading.arguments import Arguments, are_same, arguments_in, is_json_object
from neo.llm.reading.calls import ToldCalls
from neo.llm.reading.carried import carried
from neo.llm.reading.event import Event, id_in, text_in

# What a sealed item goes back with.
_SEALED = ("type", "id", "summary", "encrypted_content")


class Item(NamedTuple):
    """By what an event names the item of a call. Gateways leave out one or both, make up an id with each event, or have
    one for all calls.
    """

    item_id: str | None
    position: int | None


class _Call:
    def __init__(self) -> None:
        self.call_id = ""
        self.name = ""
        self.sources: set[str] = set()
        self.is_told = False
        self.is_cut = False
        self.arguments = Arguments()

    @property
    def is_open(self) -> bool:
        return bool(self.name) and not self.is_told

    def note(self, item: Event) -> None:
        self.call_id = id_in(item, "call_id") or self.call_id
        self.name = text_in(item, "name") or self.name
        self.arguments.settle(arguments_in(item, "arguments"))
        self.is_cut = item.get("status") == "incomplete"

    def is_other(self, item: Event) -> bool:
        """Whether the item has an id of a call, and another one than this."""
        call_id = id_in(item, "call_id")
        return bool(call_id and self.call_id) and call_id != self.call_id

    def says(self, item: Event) -> bool:
        """Whether it says what the item says, or is still to say it."""
        is_named = self.name in ("", text_in(item, "name"))
        arguments = self.arguments.text
        return is_named and (not arguments or are_same(arguments, arguments_in(item, "arguments")))

    def told(self, before: ToldCalls, given: Mapping[str, Any] | None) -> ToolCall:
        self.is_told = True
        return before.tell(self.call_id, self.name, self.arguments.text, given)


class Calls:
    def __init__(self, chosen: ChosenModel) -> None:
        self._chosen = chosen
        self._sealed: dict[str, dict[str, Any]] = {}
        self._calls: list[_Call] = []
        self._told = ToldCalls()
        self._by_id: dict[str | None, _Call] = {}
        self._by_position: dict[int | None, _Call] = {}

    @property
    def are_told(self) -> bool:
        return bool(self._told)

    def note_thoughts(self, item: Event) -> None:
        """They go back with the next call, where the provider keeps no responses and has sealed them."""
        if isinstance(item.get("encrypted_content"), str):
            self._sealed.setdefault(id_in(item, "id"), {name: item[name] for name in _SEALED if name in item})

    def begin(self, at: Item, item: Event) -> None:
        known = self._known(at)
        is_new = known is None or known.is_told or known.is_other(item)
        (self._new(at) if known is None or is_new else known).note(item)

    def add(self, at: Item, piece: str) -> None:
        self._begun(at).arguments.add(piece)

    def complete_arguments(self, at: Item, event: Event) -> None:
        self._begun(at).note(event)

    def complete(self, at: Item, item: Event, source: str) -> Iterator[ToolCall]:
        """The call, unless it was told already or may be cut off. `source`: as for texts."""
        call = self._same(at, item, source)
        if call is None:
            known = self._known(at)
            if known is not None and not known.is_other(item) and known.says(item):
                return
            call = self._new(at)
        call.sources.add(source)
        call.note(item)
        if not call.is_told and not call.is_cut and is_json_object(call.arguments.text):
            yield self._tell(call)

    def rest(self, *, is_cut: bool) -> Iterator[ToolCall]:
        """The calls whose arguments did not look whole. Of an answer that was cut off they are half of a call."""
        for call in self._calls:
            is_half = (is_cut or call.is_cut) and not is_json_object(call.arguments.text)
            if not call.is_told and not is_half:
                yield self._tell(call)

    def _tell(self, call: _Call) -> ToolCall:
        items = [item for item in self._sealed.values() if item]
        # An empty one is known, and has gone with a call.
        self._sealed = {key: {} for key in self._sealed}
        return call.told(self._told, carried(self._chosen, {"items": items}))

    def _known(self, at: Item) -> _Call | None:
        return self._by_id.get(at.item_id) or self._by_position.get(at.position)

    def _begun(self, at: Item) -> _Call:
        call = self._known(at)
        if call is None and self._calls and self._calls[-1].is_open:
            return self._calls[-1]
        return call or self._new(at)

    def _new(self, at: Item) -> _Call:
        call = _Call()
        self._calls.append(call)
        if at.item_id is not None:
            self._by_id[at.item_id] = call
        if at.position is not None:
            self._by_position[at.position] = call
        return call

    def _same(self, at: Item, item: Event, source: str) -> _Call | None:
        """The call that this is the end of, by its item, by its own id, or else by what it says."""
        others = [call for call in self._calls if source not in call.sources]
        known = self._item_of(at, source)
        is_known = known in others
        if known is not None and is_known and not known.is_other(item):
            return known
        call_id = id_in(item, "call_id")
        same = (call for call in others if call_id and call.call_id == call_id)
        alike = (call for call in others if not call.is_other(item) and call.says(item))
        return next(same, None) or (known if is_known else next(alike, None))

    def _item_of(self, at: Item, source: str) -> _Call | None:
        there = self._by_position.get(at.position)
        # The whole output may leave out other items, so that this one is elsewhere in it.
        is_moved = there is not None and there.is_told and source != "item"
        return self._by_id.get(at.item_id) or (None if is_moved else there)
