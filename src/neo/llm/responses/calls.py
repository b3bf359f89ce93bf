"""The calls of tools in a response. Their names come with the item's beginning or end, their arguments in pieces or
whole, and some gateways leave out one or the other.
"""

from collections.abc import Iterator

from neo.llm.deltas import ToolCall
from neo.llm.reading.calls import arguments_in, is_json_object, tool_call
from neo.llm.reading.event import Event, id_in, text_in


class _Call:
    def __init__(self) -> None:
        self.call_id = ""
        self.name = ""
        self.sources: set[str] = set()
        self.is_told = False
        self.is_cut = False
        self._whole = ""
        self._pieces: list[str] = []

    @property
    def arguments(self) -> str:
        return self._whole or "".join(self._pieces)

    @property
    def is_open(self) -> bool:
        return bool(self.name) and not self.is_told

    def add(self, piece: str) -> None:
        self._pieces.append(piece)

    def note(self, item: Event) -> None:
        self.call_id = id_in(item, "call_id") or self.call_id
        self.name = text_in(item, "name") or self.name
        self._whole = arguments_in(item, "arguments") or self._whole
        self.is_cut = item.get("status") == "incomplete"

    def told(self) -> ToolCall:
        told = tool_call(self.call_id, self.name, self.arguments)
        self.is_told = True
        return told


class Calls:
    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._by_item: dict[str | int, _Call] = {}

    @property
    def are_told(self) -> bool:
        return any(call.is_told for call in self._calls)

    def begin(self, item_key: str | int | None, item: Event) -> None:
        self._at(item_key).note(item)

    def add(self, item_key: str | int | None, piece: str) -> None:
        self._at(item_key, is_begun=True).add(piece)

    def complete_arguments(self, item_key: str | int | None, event: Event) -> None:
        self._at(item_key, is_begun=True).note(event)

    def complete(self, item_key: str | int | None, item: Event, source: str) -> Iterator[ToolCall]:
        """The call, unless it was told already or may be cut off. `source`: as for texts."""
        call = self._same(item_key, item, source) or self._at(item_key)
        call.sources.add(source)
        call.note(item)
        if not call.is_told and not call.is_cut and is_json_object(call.arguments):
            yield call.told()

    def rest(self, *, is_cut: bool) -> Iterator[ToolCall]:
        """The calls whose arguments did not look whole. Of an answer that was cut off they are half of a call."""
        for call in self._calls:
            if not call.is_told and not ((is_cut or call.is_cut) and not is_json_object(call.arguments)):
                yield call.told()

    def _at(self, item_key: str | int | None, *, is_begun: bool = False) -> _Call:
        call = self._by_item.get(item_key) if item_key is not None else None
        if call is None and is_begun and self._calls and self._calls[-1].is_open:
            # Some gateways make up an id with each event.
            return self._calls[-1]
        if call is None:
            call = _Call()
            self._calls.append(call)
            if item_key is not None:
                self._by_item[item_key] = call
        return call

    def _same(self, item_key: str | int | None, item: Event, source: str) -> _Call | None:
        """The call that this is the end of, by its item, by its own id, or else by what it says."""
        others = [call for call in self._calls if source not in call.sources]
        known = self._by_item.get(item_key) if item_key is not None else None
        if known in others:
            return known
        call_id, name = id_in(item, "call_id"), text_in(item, "name")
        arguments = arguments_in(item, "arguments")
        for call in others:
            if call_id and call.call_id == call_id:
                return call
        for call in others:
            is_same = call.name in ("", name) and call.arguments in ("", arguments)
            if is_same and not (call_id and call.call_id):
                return call
        return None
